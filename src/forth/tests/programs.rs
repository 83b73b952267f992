use super::*;

#[test]
fn data_words() {
    check_program("variable v 5 v ! : main v @ 1 v +! v @ ;", &[], &[5, 6]);
    check_program("7 constant c : main c c + ;", &[], &[14]);
    check_program("1 2 2constant c : main c ;", &[], &[1, 2]);
    check_program("2variable v : main v 2! v 2@ ;", &[3, 4], &[3, 4]);
    check_program("5 value x : main x 1+ to x x ;", &[], &[6]);
    check_program("5 value x 8 to x : main x ;", &[], &[8]);
    check_program("create t 1 , 2 , 3 , : main cells t + @ ;", &[2], &[3]);
    check_program("create s 3 c, 4 c, : main s c@ s 1+ c@ ;", &[], &[3, 4]);
    check_program("16 buffer: b : main b 8 + ! b 8 + @ b @ ;", &[9], &[9, 0]);
    check_program(": const create , does> @ ; 9 const nine : main nine ;", &[], &[9]);
    check_program(
        ": arr create cells allot does> swap cells + ; 5 arr a : main 3 2 a ! 2 a @ 1 a @ ;",
        &[],
        &[3, 0],
    );
    check_program("defer d : x 4 ; ' x is d : y 5 ; : main d ['] y is d d ;", &[], &[4, 5]);
    check_program("create t 7 , : main ['] t >body @ ;", &[], &[7]);
    check_program("99999999999 constant big : main big ;", &[], &[99_999_999_999]);
}

#[test]
fn words_that_compile() {
    check_program(": main [ 2 3 * ] literal ;", &[], &[6]);
    check_program(": sq dup * ; : main ['] sq execute ;", &[5], &[25]);
    check_program(": endif postpone then ; immediate : main if 1 endif ;", &[1], &[1]);
    check_program(": plus postpone + ; immediate : main plus ;", &[1, 4], &[5]);
    check_program(": five 5 ; : lit5 postpone five ; immediate : main lit5 ;", &[], &[5]);
    check_program(":noname 42 ; constant it : main it execute ;", &[], &[42]);
    check_program(": main s\" : inner 5 ;\" evaluate s\" inner\" evaluate ;", &[], &[5]);
    check_program(": x 1 ; : x x 1+ ; : main x ;", &[], &[2]);
    check_program(": lit, postpone literal ; : x [ 8 lit, ] ; : main x ;", &[], &[8]);
    check_program("char A constant a : main a [char] B ;", &[], &[65, 66]);
    check_program(": my-if postpone if ; immediate : main my-if 10 else 20 then ;", &[0], &[20]);
    check_program(": weird create does> 1+ does> 2 + ; weird w w drop : main w w - ;", &[], &[0]);
}

#[test]
fn tests_start_from_the_same_state() {
    let mut engine = engine();
    engine.load("variable v 3 v ! create a 100 cells allot").unwrap();
    let bump =
        engine.define("bump", "v @ dup 1+ v ! a 50 cells + @ 7 a 50 cells + ! here 8 allot 5 pad !").unwrap();
    let first = run(&mut engine, bump);
    for _ in 0..3 {
        assert_eq!(run(&mut engine, bump), first);
    }
    assert_eq!(&first[..2], [3, 0]);
    engine.checkpoint();
    assert_eq!(&run(&mut engine, bump)[..2], [4, 7]);
    assert_eq!(&run(&mut engine, bump)[..2], [4, 7]);
    engine.reset();
    assert_eq!(engine.find("bump"), None);
    let peek = engine.define("peek", "8192 @ 8192 50 8 * + @ pad @").unwrap();
    assert_eq!(run(&mut engine, peek), [0, 0, 0]);
}

#[test]
fn strings_lie_where_they_lay() {
    let mut engine = engine();
    for _ in 0..2 {
        engine.load("s\" one\" drop").unwrap();
        let loaded = engine.stack().to_vec();
        let text = engine.define("text", "s\\\" s\\q x\\q drop\" evaluate").unwrap();
        let first = run(&mut engine, text);
        assert_ne!(first, loaded);
        assert_eq!(run(&mut engine, text), first);
        assert_eq!(run(&mut engine, text), first);
        engine.reset();
    }
}

fn run(engine: &mut Engine, xt: Xt) -> Vec<Cell> {
    engine.execute(xt, &[]).unwrap();
    engine.stack().to_vec()
}

#[test]
fn words_made_by_a_test_are_forgotten() {
    let mut engine = engine();
    engine.load(": w create does> drop 1 ; w x").unwrap();
    let mut results = Vec::new();
    let make = engine.define("make", "s\" : fresh 5 ; fresh\" evaluate").unwrap();
    let change = engine.define("change", "x s\" create y\" evaluate").unwrap();
    for _ in 0..3 {
        engine.execute(make, &[]).unwrap();
        results.push(engine.stack().to_vec());
        engine.execute(change, &[]).unwrap();
        assert!(engine.find("fresh").is_none());
        results.push(engine.stack().to_vec());
    }
    assert_eq!(results, [[5], [1], [5], [1], [5], [1]]);
    engine.execute(make, &[]).unwrap();
    assert!(engine.define("z", "fresh").is_err());
}

#[test]
fn does_of_an_older_word_is_undone() {
    let mut engine = engine();
    engine.load("create x : change does> drop 77 ; create y").unwrap();
    let main = engine.define("main", "change").unwrap();
    // The newest word is no created one.
    assert_eq!(engine.execute(main, &[]).unwrap_err().code(), Some(-31));
    engine.load("create z").unwrap();
    let look = engine.find("z").unwrap();
    let start = run(&mut engine, look);
    engine.execute(main, &[]).unwrap();
    assert_eq!(run(&mut engine, look), start);
}

#[test]
fn placed_data_lies_above_here() {
    let mut engine = engine();
    engine
        .load("create t 5 , : sum 0 -rot 0 ?do dup i cells + @ rot + swap loop drop ; : tail here ;")
        .unwrap();
    let sum = engine.find("sum").unwrap();
    for _ in 0..2 {
        let addr = engine.place_cells(&[1, 2, 3]).unwrap();
        engine.execute(sum, &[addr, 3]).unwrap();
        assert_eq!(engine.stack(), [6]);
    }
    let text = engine.place(b"hello").unwrap();
    let more = engine.place(b"world").unwrap();
    assert!(more >= text + 5);
    let tail = engine.find("tail").unwrap();
    engine.execute(tail, &[]).unwrap();
    assert!(engine.stack()[0] >= more + 5);
    assert_eq!(engine.read(text, 5), Some(&b"hello"[..]));
    engine.execute(tail, &[]).unwrap();
    assert_eq!(engine.read(text, 5), Some(&[0; 5][..]));
}

/// A word that cannot touch memory ends what was placed for it as any other does.
#[test]
fn placed_data_goes_with_a_plain_word_too() {
    let mut engine = engine();
    let fetch = engine.define("fetch", "@").unwrap();
    let square = engine.define("square", "dup *").unwrap();
    let first = engine.place_cells(&[7]).unwrap();
    engine.execute(square, &[first]).unwrap();
    assert_eq!(engine.place_cells(&[8]).unwrap(), first);
    engine.execute(square, &[3]).unwrap();
    engine.execute(square, &[3]).unwrap();
    engine.execute(fetch, &[first]).unwrap();
    assert_eq!(engine.stack(), [0]);
    // Nor does it leave anything of what ran before it.
    let talk = engine.define("talk", "42 emit 5 pad !").unwrap();
    let pad = engine.define("pad@", "pad @").unwrap();
    engine.execute(talk, &[]).unwrap();
    engine.execute(square, &[3]).unwrap();
    assert_eq!((engine.stack(), engine.output()), (&[9][..], &b""[..]));
    engine.load("depth").unwrap();
    assert_eq!(engine.stack(), [0]);
    engine.execute(pad, &[]).unwrap();
    assert_eq!(engine.stack(), [0]);
}

#[test]
fn plain_words_burn_the_fuel_of_their_run() {
    let mut engine = Engine::new(Image::shared(), Limits { fuel: 3, ..Limits::default() });
    let square = engine.define("square", "dup *").unwrap();
    let loops = engine.define("loops", "begin dup while 1- repeat").unwrap();
    let mut steps = |xt, input, fuel: Option<u64>| {
        if let Some(fuel) = fuel {
            engine.set_fuel(fuel);
        }
        engine
            .execute(xt, &[input])
            .map(|()| engine.fuel_used())
            .map_err(|trap| (trap.kind, engine.fuel_used()))
    };
    for _ in 0..2 {
        assert_eq!(steps(square, 3, None), Ok(1));
        assert_eq!(steps(loops, 2, None), Ok(3));
        assert_eq!(steps(loops, 3, None), Err((TrapKind::Fuel, 3)));
        assert_eq!(steps(square, 3, Some(0)), Err((TrapKind::Fuel, 0)));
        assert_eq!(steps(square, 3, Some(1)), Ok(1));
        assert_eq!(steps(loops, 120_000, Some(1_000_000)), Ok(120_001));
        assert_eq!(steps(square, 3, None), Ok(1));
        assert_eq!(steps(loops, 2, Some(2)), Err((TrapKind::Fuel, 2)));
        assert_eq!(steps(square, 3, Some(u64::MAX)), Ok(1));
        assert_eq!(steps(loops, 2, Some(3)), Ok(3));
    }
}

#[test]
fn errors_have_a_place() {
    use CompileErrorKind::*;
    check_error("dup foo *", UndefinedWord, "foo");
    check_error("1 99999999999999999999 +", NumberTooLarge, "99999999999999999999");
    check_error("then", ControlMismatch, "then");
    check_error("if dup", UnclosedControl, "");
    check_error("begin repeat", ControlMismatch, "repeat");
    check_error("if until", ControlMismatch, "until");
    check_error("1 loop", ControlMismatch, "loop");
    check_error("leave", ControlMismatch, "leave");
    check_error("do leave", UnclosedControl, "");
    check_error("endof", ControlMismatch, "endof");
    check_error("dup ; drop", NotInDefinition, ";");
    check_error("s\" abc", Unterminated, "s\"");
    check_error("( abc", Unterminated, "(");
    check_error("{: a", Unterminated, "{:");
    check_error("['] nowhere", UndefinedWord, "nowhere");
    check_error("w", UndefinedWord, "w");
    check_error("5 to dup", InvalidName, "dup");
    check_error("1 [", UnfinishedDefinition, "");
    check_error("[char]", MissingName, "");
    check_error("[ 5 0 / ]", Trapped(TrapKind::Throw(-10)), "/");
    check_error("[ drop ]", Trapped(TrapKind::Throw(-4)), "drop");
    check_error("[ : x ]", Trapped(TrapKind::Throw(-29)), ":");
    check_error("{: i :} [: i ;] drop", OuterLocal, "i");
    check_error("{: a :} [: 5 to a ;] drop", OuterLocal, "a");
    check_error("{: a :} [: {: b :} [: B A ;] drop ;] drop", OuterLocal, "B");
    check_error("{: a b :} [: {: b :} b A ;] drop", OuterLocal, "A");
    let mut engine = engine();
    for (name, kind) in
        [("", MissingName), ("a b", InvalidName), ("a\tb", InvalidName), (&"x".repeat(256), NameTooLong)]
    {
        assert_eq!(engine.define(name, "dup").unwrap_err().kind, kind, "{name}");
    }
    assert!(engine.define(&"x".repeat(255), "dup").is_ok());
    let error = engine.define("w", "dupe *").unwrap_err();
    assert_eq!(
        (error.suggestion.as_deref(), error.to_string().as_str()),
        (Some("dup"), "undefined word at `dupe`, did you mean `dup`?")
    );
}

#[test]
fn locals_stay_in_their_definition() {
    let error = engine().load(": f {: i :} create does> i ;").unwrap_err();
    assert_eq!((error.kind, &*error.token), (CompileErrorKind::OuterLocal, "i"));
    let error = engine().load(": f {: i :} create does> [: i ;] ;").unwrap_err();
    assert_eq!((error.kind, &*error.token), (CompileErrorKind::OuterLocal, "i"));
    // They are there again behind the quotation, which may have one of the same name, and gone with the definition.
    check_program(": main {: i :} [: {: i :} i 1+ ;] execute i ;", &[5, 7], &[6, 7]);
    check_program(": main {: i :} 3 [: ;] execute i ;", &[7], &[3, 7]);
    check_program(": f {: dup :} create does> {: dup :} dup @ ; : main 5 dup ;", &[], &[5, 5]);
    check_program(": f {: dup :} [: 1 ;] drop ; : main [: dup ;] execute ;", &[4], &[4, 4]);
    let mut engine = engine();
    engine.load(": f {: dup :} [: dup ;] ;").unwrap_err();
    let xt = engine.define("w", "dup").unwrap();
    assert_eq!(engine.execute(xt, &[4]).map(|()| engine.stack().to_vec()), Ok(vec![4, 4]));
}

#[test]
fn a_failed_definition_leaves_nothing() {
    let mut engine = engine();
    let good = engine.define("good", "1").unwrap();
    assert!(engine.define("good", "2 if").is_err());
    assert!(engine.load(": half 1 if").is_err());
    assert!(engine.load(": x 1 ; y").is_err());
    assert_eq!(engine.find("half"), None);
    assert_eq!(engine.find("x"), None);
    assert_eq!(engine.find("good"), Some(good));
    engine.execute(good, &[]).unwrap();
    assert_eq!(engine.stack(), [1]);
    let next = engine.define("next", "good 1+").unwrap();
    engine.execute(next, &[]).unwrap();
    assert_eq!(engine.stack(), [2]);
}

#[test]
fn traps_name_their_word() {
    use TrapKind::Throw;
    check_trap("+", &[1], Throw(-4), "+");
    check_trap("drop drop", &[1], Throw(-4), "drop");
    check_trap("1 2 + + +", &[], Throw(-4), "+");
    check_trap("dup 0 / 5", &[1], Throw(-10), "/");
    check_trap("mod", &[1, 0], Throw(-10), "mod");
    check_trap("@", &[5], Throw(-9), "@");
    check_trap("1 1 um/mod", &[0], Throw(-11), "um/mod");
    check_trap("7 throw", &[], Throw(7), "throw");
    check_trap("r> drop", &[], Throw(-6), "r>");
    check_trap("5 execute", &[], Throw(-9), "execute");
    check_trap("2 pick", &[1, 2], Throw(-4), "pick");
    check_trap("pick", &[1, 2, 2], Throw(-4), "pick");
    check_trap("roll", &[1, 2, -1], Throw(-4), "roll");
    check_trap("?dup if drop then drop", &[], Throw(-4), "?dup");
    check_trap("i", &[], Throw(-26), "i");
    check_trap("unloop", &[], Throw(-26), "unloop");
    check_trap("abort", &[], Throw(-1), "abort");
    check_trap("begin again", &[], TrapKind::Fuel, "again");
    check_trap("recurse", &[], Throw(-5), "recurse");
    check_trap("begin dup again", &[1], Throw(-3), "dup");
    check_trap("1000000 allot 1000000 allot", &[], Throw(-8), "allot");
    check_trap("begin 65 emit again", &[], TrapKind::Output, "emit");
    let mut engine = engine();
    engine.define("inner", "1 0 /").unwrap();
    let outer = engine.define("outer", "5 inner").unwrap();
    let trap = engine.execute(outer, &[]).unwrap_err();
    let description = engine.describe(trap);
    assert_eq!(description.to_string(), "division by zero (exception -10) at `/` in `inner`");
    assert_eq!(description.position, 4);
    let quoting = engine.define("quoting", "5 [: 1 [: 0 / ;] execute ;] execute").unwrap();
    let trap = engine.execute(quoting, &[]).unwrap_err();
    let description = engine.describe(trap);
    assert_eq!(description.to_string(), "division by zero (exception -10) at `/` in `quoting`");
    assert_eq!(description.position, 12);
}

#[test]
fn errors_name_the_text_that_they_stand_in() {
    let mut engine = engine();
    engine.files_mut().insert("inner.fs", *b"1 2\n  nonsense 3\n").unwrap();
    for (source, file, line, column, text) in [
        ("1\n2 nonsense", Some("outer.fs"), 2, 3, "2 nonsense"),
        ("1 s\" 3 foo\" evaluate", Some("evaluated text"), 1, 3, "3 foo"),
        ("s\" 3\" evaluate\n nonsense", Some("outer.fs"), 2, 2, " nonsense"),
        ("\ninclude ./inner.fs", Some("./inner.fs"), 2, 3, "  nonsense 3"),
        ("include inner.fs 4", Some("inner.fs"), 2, 3, "  nonsense 3"),
        ("1 : f 0 @ ;\nf 5", Some("outer.fs"), 2, 1, "f 5"),
    ] {
        let error = engine.load_file("outer.fs", source).expect_err(source);
        let location = error.details.expect("details").location;
        let found = (location.file.as_deref(), location.line, location.column, &*location.text);
        assert_eq!(found, (file, line, column, text), "{source}");
    }
}

#[test]
fn errors_say_where_in_a_definition_they_happened() {
    let mut engine = engine();
    engine.files_mut().insert("inner.fs", *b": bad\n  1 0 / ;\n").unwrap();
    let inner = Some("inner.fs");
    for (source, file, line, column) in [
        (": f\n 1 0 / ;\nf", Some("outer.fs"), 2, 6),
        (": f\n tuck\n  mod ;\n 7 0 f", Some("outer.fs"), 3, 3),
        (": f 0 / ;\n: g 1 f ;\n\ng", Some("outer.fs"), 1, 7),
        ("include inner.fs 2\nbad", inner, 2, 7),
        ("s\" : f 1 0 / ;\" evaluate\nf", Some("evaluated text"), 1, 9),
    ] {
        let error = engine.load_file("outer.fs", source).expect_err(source);
        let at = error.details.and_then(|details| details.word_at);
        let found = at.as_ref().map(|at| (at.file.as_deref(), at.line, at.column));
        assert_eq!(found, Some((file, line, column)), "{source}");
    }
    // Not where the line is shown anyway, outside of definitions, or where nothing is known of the place: an earlier line
    // of a session, a body without a file.
    engine.define("bare", "1 0 /").unwrap();
    engine.interact(": typed 1 0 / ;").unwrap();
    for source in [": f 1 0 / ; f", "1 0 /", "5 nonsense", "bare", "typed"] {
        let error = engine.load_file("outer.fs", source).expect_err(source);
        assert_eq!(error.details.and_then(|details| details.word_at), None, "{source}");
    }
}

#[test]
fn an_error_is_at_no_word_of_an_earlier_line() {
    let mut engine = engine();
    engine.interact(": fill 1024 0 do i loop ;").unwrap();
    for before in ["1 0 /", ": q 1 0 / ; q", "0 base ! 7"] {
        engine.interact(before).expect_err(before);
        engine.interact("10 base !").unwrap_or_default();
        let error = engine.interact("fill 8").expect_err("the stack is full");
        let details = error.details.expect("details");
        assert_eq!((&*error.token, &*details.word, &*details.definition), ("8", "", ""), "{before}");
    }
}

/// What an error shows of the stack is what the words before the one that stopped have left, fused with it or not.
#[test]
fn errors_show_the_stack_at_their_word() {
    for (source, word, stack) in [
        (": f 5 + ; f", "+", &[5][..]),
        (": f 5 - ; f", "-", &[5]),
        (": f 5 * ; f", "*", &[5]),
        (": f -5 and ; f", "and", &[-5]),
        (": f 3 lshift ; f", "lshift", &[3]),
        (": f 3 mod ; f", "mod", &[3]),
        (": f 3 pick ; 7 f", "pick", &[7, 3]),
        (": f 1 @ ; 7 f", "@", &[7, 1]),
        (": f 8 ! ; f", "!", &[8]),
        (": f 8 +! ; 7 f", "+!", &[7, 8]),
        (": f dup @ ; 3 f", "@", &[3, 3]),
        (": f cell+ @ ; 3 f", "@", &[11]),
        (": f + @ ; 3 4 f", "@", &[7]),
        (": f tuck mod ; 7 0 f", "mod", &[0, 7, 0]),
        (": f 5 < if then ; f", "<", &[5]),
        (": f + ; 5 f", "+", &[5]),
        (": f 0 / ; 5 f", "/", &[5, 0]),
        (": f drop 5 dup 0 / ; 1 2 f", "/", &[1, 5, 5, 0]),
    ] {
        let details = engine().load(source).expect_err(source).details.expect("details");
        assert_eq!(
            (&*details.word, &details.stack[..], details.depth),
            (word, stack, stack.len()),
            "{source}"
        );
    }
}

#[test]
fn a_session_goes_on_after_an_error() {
    let mut engine = engine();
    engine.interact("1 2 : twice").unwrap();
    assert!(engine.is_compiling());
    engine.interact("2* ; variable v 7 v !").unwrap();
    assert!(!engine.is_compiling());
    assert_eq!(engine.stack(), [1, 2]);
    let error = engine.interact("5 v ! 3 twice nonsense").unwrap_err();
    let details = error.details.expect("details");
    assert_eq!((details.stack.as_slice(), details.location.column), (&[1, 2, 6][..], 15));
    assert!(engine.stack().is_empty());
    engine.interact("v @ twice").unwrap();
    assert_eq!(engine.stack(), [10]);
    assert!(engine.interact(": half if nonsense").is_err());
    assert!(!engine.is_compiling());
    assert_eq!(engine.interact("8 quit").unwrap_err().kind, CompileErrorKind::Trapped(TrapKind::Quit));
    assert_eq!(engine.stack(), [8]);
    assert_eq!(
        engine.interact("-56 throw").unwrap_err().kind,
        CompileErrorKind::Trapped(TrapKind::Throw(-56))
    );
    assert_eq!(engine.stack(), [8]);
    engine.interact(": why dup abort\" because\" ;").unwrap();
    let error = engine.interact("why").unwrap_err();
    assert_eq!(error.details.and_then(|details| details.message).as_deref(), Some("because"));
}
