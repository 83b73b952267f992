use super::*;

#[test]
fn programs_without_end_burn_their_fuel() {
    let mut engine = engine();
    for body in [
        "begin again",
        "begin 1 while repeat",
        "begin 0 until",
        "0 1 do loop",
        "0 0 do 0 +loop",
        "begin pad 1000 erase again",
        "begin s\" 1 drop\" evaluate again",
        "begin here 1000 - 500 s\" nowhere\" search drop 2drop again",
        "begin ['] abort catch drop again",
    ] {
        let xt = engine.define("w", body).unwrap();
        let trap = engine.execute(xt, &[]).unwrap_err();
        assert_eq!(trap.kind, TrapKind::Fuel, "{body}: {}", engine.describe(trap));
        assert_eq!(engine.fuel_used(), 1_000_000, "{body}");
    }
}

#[test]
fn fuel_cannot_be_caught() {
    check_trap_program(": spin begin again ; : main ['] spin catch ;", TrapKind::Fuel);
    check_trap_program(": spin begin 65 emit again ; : main ['] spin catch ;", TrapKind::Output);
}

#[track_caller]
fn check_trap_program(source: &str, kind: TrapKind) {
    let mut engine = engine();
    engine.load(source).unwrap();
    let main = engine.find("main").unwrap();
    assert_eq!(engine.execute(main, &[]).unwrap_err().kind, kind, "{source}");
}

#[test]
fn the_bounds_hold_exactly() {
    let limits = Limits { stack_cells: 20, return_cells: 20, ..Limits::default() };
    let mut engine = Engine::new(Image::shared(), limits);
    let push = engine.define("push", "0 ?do 1 loop").unwrap();
    engine.execute(push, &[20]).unwrap();
    assert_eq!(engine.execute(push, &[21]).unwrap_err().code(), Some(-3));
    assert_eq!(engine.execute(push, &[1; 21]).unwrap_err().code(), Some(-3));
    let deep = engine.define("deep", "dup if 1- recurse then").unwrap();
    engine.execute(deep, &[18]).unwrap();
    assert_eq!(engine.stack(), [0]);
    engine.execute(deep, &[19]).unwrap();
    assert_eq!(engine.execute(deep, &[20]).unwrap_err().code(), Some(-5));
    let square = engine.define("square", "dup *").unwrap();
    engine.execute(square, &[3; 19]).unwrap();
    assert_eq!(engine.execute(square, &[3; 20]).unwrap_err().code(), Some(-3));
}

#[test]
fn games_with_the_return_stack_trap() {
    for (source, code) in [
        (": t r> r> ; : main 1 >r t r> ;", -6),
        (": t r> drop ; : main 1 >r t r> ;", -6),
        (": t >r ; : main 1 t ;", -25),
        (": t 2>r ; : main 1 2 t ;", -25),
        (": t 0 do ; ", 0),
        (": t i ; : main 3 0 do t drop loop ;", -26),
        (": t unloop ; : main 3 0 do t loop ;", -26),
        (": main 3 0 do r> drop loop ;", -26),
        (": main 3 0 do >r loop ;", -4),
        (": main 3 0 do 5 >r loop ;", 0),
        (": main 3 0 do exit loop ;", -25),
        (": main 0 if >r then r> ;", -6),
        (": main 5 {: a :} r> drop a ;", -25),
        (": main ['] r> execute ;", -14),
        (": main ['] if execute ;", -14),
        (": main ['] i catch ;", 0),
        (": main -1 execute ;", -9),
        (": main here execute ;", -9),
        (": main 0 catch ;", -9),
        (": main 1000 0 do recurse loop ;", -5),
        (": main begin >r again ;", -4),
        (": main begin 1 >r again ;", -5),
        (": main 70368744177664 100000 + execute ;", -9),
        (": t recurse ; : main ['] t catch drop t ;", -5),
    ] {
        let mut engine = engine();
        if engine.load(source).is_err() {
            assert_eq!(code, 0, "{source}");
            continue;
        }
        let Some(main) = engine.find("main") else { continue };
        match engine.execute(main, &[]) {
            Ok(()) => assert_eq!(code, 0, "{source}"),
            Err(trap) if code == 0 => {
                assert!(trap.code().is_some() || trap.kind == TrapKind::Fuel, "{source}")
            }
            Err(trap) => assert_eq!(trap.code(), Some(code), "{source}: {}", engine.describe(trap)),
        }
    }
}

#[test]
fn wild_addresses_trap() {
    for addr in ["0", "-1", "4095", "8", "1052672", "1052665", "9223372036854775807", "-9223372036854775808"]
    {
        for word in [
            "@",
            "c@",
            "2@",
            "count",
            "5 swap !",
            "5 swap c!",
            "1 2 rot 2!",
            "5 swap +!",
            "5 type",
            "8 erase",
        ] {
            let body = format!("{addr} {word}");
            if addr == "1052665" && matches!(word, "c@" | "count" | "5 swap c!" | "5 type") {
                continue;
            }
            let mut engine = engine();
            let xt = engine.define("w", &body).unwrap();
            assert_eq!(engine.execute(xt, &[]).unwrap_err().code(), Some(-9), "{body}");
        }
    }
    for body in [
        "pad -1 erase",
        "pad -1 type",
        "pad 2000000 erase",
        "pad 4096 9223372036854775807 move",
        "0 pad 5 move",
    ] {
        let mut engine = engine();
        let xt = engine.define("w", body).unwrap();
        assert_eq!(engine.execute(xt, &[]).unwrap_err().code(), Some(-9), "{body}");
    }
}

#[test]
fn floods_end() {
    for (body, kind) in [
        ("begin 1 , again", TrapKind::Throw(-8)),
        ("begin 1000 allot again", TrapKind::Throw(-8)),
        ("9223372036854775807 allot", TrapKind::Throw(-8)),
        ("-9223372036854775808 allot", TrapKind::Throw(-8)),
        ("1000000000000 spaces", TrapKind::Fuel),
        ("100000 spaces", TrapKind::Output),
        ("-5 spaces 5 9223372036854775807 .r", TrapKind::Fuel),
        ("begin s\" create x\" evaluate again", TrapKind::Throw(-8)),
        ("<# begin 65 hold again", TrapKind::Throw(-17)),
        ("s\" recurse\" recurse", TrapKind::Throw(-3)),
        ("begin 1 again", TrapKind::Throw(-3)),
    ] {
        let mut engine = engine();
        let xt = engine.define("w", body).unwrap();
        assert_eq!(engine.execute(xt, &[]).unwrap_err().kind, kind, "{body}");
    }
}

#[test]
fn source_may_not_nest_without_end() {
    let mut engine = engine();
    engine.load(": go s\" go\" evaluate ;").unwrap();
    let go = engine.find("go").unwrap();
    assert_eq!(engine.execute(go, &[]).unwrap_err().code(), Some(-5));
}

#[test]
fn deep_and_long_text_is_refused_or_compiled() {
    let mut engine = engine();
    let nested = "1 if ".repeat(10_000);
    assert_eq!(engine.define("w", &nested).unwrap_err().kind, CompileErrorKind::TooDeep);
    let long = "1 drop ".repeat(100_000);
    let xt = engine.define("w", &long).unwrap();
    engine.execute(xt, &[]).unwrap();
    assert!(engine.fuel_used() > 6_000);
    let too_long = "1 drop ".repeat(1_000_000);
    assert_eq!(engine.define("v", &too_long).unwrap_err().kind, CompileErrorKind::TooLarge);
    engine.reset();
    assert!(engine.define("w", &"x".repeat(1 << 20)).is_err());
    let small = Limits { source_bytes: 100, ..Limits::default() };
    let mut engine = Engine::new(Image::shared(), small);
    assert_eq!(engine.define("w", &" ".repeat(100)).unwrap_err().kind, CompileErrorKind::TooLarge);
    assert!(engine.define("w", "1").is_ok());
}

#[test]
fn unfinished_words_cannot_run() {
    for source in [
        ":noname [ execute ] ;",
        ":noname if [ dup execute ] then ; drop",
        ": x [ s\" ' x\" evaluate execute ] ;",
    ] {
        assert!(engine().load(source).is_err(), "{source}");
    }
    // The token of the word being defined is the one after the last.
    let mut engine = engine();
    engine.load(": one 1 ; : next [ ' one 1+ ] literal execute ; ").unwrap();
    let next = engine.find("next").unwrap();
    assert_eq!(engine.execute(next, &[]).unwrap_err().code(), Some(-5));
    assert!(engine.load(": one 1 ; : next [ ' one 1+ execute ] ;").is_err());
}

#[test]
fn a_definition_with_an_error_is_never_finished() {
    let mut engine = engine();
    engine
        .load(": bad s\" repeat\" evaluate ; : post postpone repeat ; : try ['] post catch drop ; immediate")
        .unwrap();
    assert!(engine.load(": x 10 0 do leave try ; x").is_err());
    assert!(engine.load(": y 10 0 do leave loop try ; y").is_err());
    engine.load(": x 5 ; x").unwrap();
    assert_eq!(engine.stack().last(), Some(&5));
}

#[test]
fn a_failed_load_leaves_older_words_as_they_were() {
    let mut engine = engine();
    engine.load("create x 7 , variable v").unwrap();
    assert!(engine.load("9 v ! : w does> drop 99 ; w nothing").is_err());
    assert!(engine.load(": w create ; s\" create x does> drop 99\" evaluate").is_err());
    let main = engine.define("main", "x @ v @").unwrap();
    engine.execute(main, &[]).unwrap();
    assert_eq!(engine.stack(), [7, 0]);
    engine.load(": w does> drop 99 ;").unwrap();
    let change = engine.define("change", "s\" create z : q ;\" evaluate w").unwrap();
    assert!(engine.execute(change, &[]).is_err());
    engine.execute(main, &[]).unwrap();
    assert_eq!(engine.stack(), [7, 0]);
}

#[test]
fn a_quotation_cannot_run_before_the_definition_around_it_is_whole() {
    // Its token is the one after that of the word being defined.
    let source = ": one 1 ; : x [: s\" nonsense\" ['] evaluate catch drop 5 ;] [ ' one 2 + execute ] ;";
    assert!(engine().load(source).is_err());
    let mut engine = engine();
    engine.load(": x [: 1 ;] execute [: [: 2 ;] execute ;] execute ;").unwrap();
    let x = engine.find("x").unwrap();
    engine.execute(x, &[]).unwrap();
    assert_eq!(engine.stack(), [1, 2]);
    for unfinished in ["[: 1", "[: if ;]", ";]", "1 ;] [: 2", "if [: then ;]"] {
        assert!(engine.define("w", unfinished).is_err(), "{unfinished}");
    }
    let after = engine.define("w", "3").unwrap();
    engine.execute(after, &[]).unwrap();
    assert_eq!(engine.stack(), [3]);
}

#[test]
fn names_of_locals_outlive_the_text_that_declared_them() {
    let mut engine = engine();
    engine
        .load(": l s\" a\" (local) ; immediate : x [ s\" l\" evaluate 0 0 (local) ] 5 s\" \" evaluate a ;")
        .unwrap();
    let x = engine.find("x").unwrap();
    engine.execute(x, &[7]).unwrap();
    assert_eq!(engine.stack(), [5, 7]);
    // Names that are never declared do no harm.
    assert!(engine.load(": y l ; : z l l ;").is_ok());
    assert!(engine.define("w", "a").is_err());
}

#[test]
fn nothing_is_left_to_read_after_text_that_is_gone() {
    let mut engine = engine();
    engine
        .load(": p [char] x parse 2drop parse-name nip source nip bl word c@ >in @ refill save-input ;")
        .unwrap();
    let p = engine.find("p").unwrap();
    for text in ["this does not compile", ": nor this", "[: ;]"] {
        assert!(engine.define("w", text).is_err() || text == "[: ;]");
        engine.execute(p, &[]).unwrap();
        assert_eq!(&engine.stack()[..5], [0, 0, 0, 0, 0], "{text}");
    }
    engine.reset();
    let parse = engine.find("parse").unwrap();
    engine.execute(parse, &[32]).unwrap();
    assert_eq!(engine.stack()[1], 0);
}

#[test]
fn reading_again_and_again_is_paid_for() {
    let comment = "x".repeat(100_000);
    for source in [
        format!("( {comment} ) 0 >in !"),
        format!(": again save-input ; save-input ( {comment} ) restore-input drop 0 >in !"),
        format!(": p begin 0 >in ! [char] ~ parse 2drop again ; p {comment}"),
    ] {
        let mut engine = engine();
        assert_eq!(engine.load(&source).unwrap_err().kind, CompileErrorKind::Trapped(TrapKind::Fuel));
    }
}

#[test]
fn many_words_of_one_bucket_are_paid_for() {
    let mut engine = engine();
    let names: String = (0..3000).map(|n| format!("create the-same-beginning-{n} ")).collect();
    engine.load(&names).unwrap();
    let find = engine.define("w", "s\" the-same-beginning-0\" get-current search-wordlist").unwrap();
    engine.execute(find, &[]).unwrap();
    assert!(engine.fuel_used() > 3000 / 64, "{}", engine.fuel_used());
}

#[test]
fn substitution_is_bounded() {
    let mut engine = engine();
    engine.load("create big 60000 allot big 60000 char x fill big 60000 s\" b\" replaces").unwrap();
    engine
        .load("create text 90000 allot : make 30000 0 do s\" %b%\" text i 3 * + swap move loop ; make")
        .unwrap();
    let xt = engine.define("w", "text 90000 here unused substitute nip nip").unwrap();
    engine.execute(xt, &[]).unwrap();
    assert_eq!(engine.stack(), [-78]);
}

#[test]
fn bounds_of_everything_else_hold() {
    for (body, code) in [
        ("begin wordlist drop again", -8),
        ("begin also again", -49),
        ("begin previous again", -50),
        ("100 set-order", -49),
        ("-5 set-order", -50),
        ("5 1 set-order", -24),
        ("1 name>string", -32),
        ("pad 5 1 1 search-wordlist", -24),
        ("-1 n>r", -4),
        ("5 n>r", -4),
        ("1 >r nr>", -6),
        ("-5 >r nr>", -6),
        ("1 2 3 1000 0 do 3 n>r loop", -4),
        ("s\" nowhere\" included", -38),
        ("0 include-file", -38),
        ("quit", 0),
        ("bye", 0),
        ("key", -39),
    ] {
        let mut engine = engine();
        let xt = engine.define("w", body).unwrap_or_else(|error| panic!("{body}: {error}"));
        assert_eq!(engine.execute(xt, &[]).unwrap_err().code().unwrap_or(0), code, "{body}");
    }
    // ALLOCATE says so itself.
    let mut engine = engine();
    for (body, expect) in [
        ("0 begin 1000 allocate nip 0= while 1+ repeat 1000 >", [-1]),
        ("-1 allocate nip", [-59]),
        ("pad free", [-60]),
        ("pad 5 resize nip", [-61]),
    ] {
        let xt = engine.define("w", body).unwrap();
        engine.execute(xt, &[]).unwrap();
        assert_eq!(engine.stack(), expect, "{body}");
    }
}

#[test]
fn what_a_test_does_to_the_system_is_forgotten() {
    let mut engine = engine();
    engine.files_mut().insert("kept", *b"kept").unwrap();
    engine.load("marker forget-me : later 5 ; variable v").unwrap();
    for body in [
        "s\" made\" r/w create-file 2drop",
        "s\" kept\" delete-file drop",
        "wordlist dup set-current 1 set-order",
        "100 allocate drop 5 swap !",
        "forget-me",
        "s\" x\" s\" y\" replaces",
        "s\" synonym other later\" evaluate",
    ] {
        let xt = engine.define("w", body).unwrap();
        for _ in 0..2 {
            engine.execute(xt, &[]).unwrap_or_else(|trap| panic!("{body}: {}", engine.describe(trap)));
        }
        let look = "s\" made\" file-status nip s\" kept\" file-status nip get-order drop get-current = unused v @ \
                    s\" later\" evaluate";
        let probe = engine.define("probe", look).unwrap();
        engine.execute(probe, &[]).unwrap_or_else(|trap| panic!("{body}: {}", engine.describe(trap)));
        let stack = engine.stack();
        assert_eq!((stack[0], stack[1], stack[2], stack[4], stack[5]), (-38, 0, -1, 0, 5), "{body}");
        assert!(stack[3] > 1_000_000, "{body}");
    }
}

#[test]
fn what_source_says_does_not_depend_on_earlier_runs() {
    let mut engine = engine();
    let xt = engine.define("w", "source >in @").unwrap();
    engine.execute(xt, &[]).unwrap();
    let first = engine.stack().to_vec();
    for _ in 0..2 {
        engine.execute(xt, &[]).unwrap();
        assert_eq!(engine.stack(), first);
    }
}

/// A text does what it does in a fresh engine, whatever programs ran before it: stacks, pictured numbers, fuel.
#[test]
fn texts_do_not_depend_on_earlier_programs() {
    let before: &[(&str, &[Cell])] = &[
        ("recurse", &[]),
        ("0 recurse", &[]),
        ("<# [char] x hold [char] y hold", &[]),
        ("['] execute catch recurse", &[5]),
        ("begin again", &[]),
        ("1 0 /", &[]),
        ("begin 1- dup 0= until", &[3]),
        ("dup *", &[3]),
    ];
    let texts =
        ["[ 2 3 + ] literal", "[ 0. #> ] 2literal nip", "[ 1 0 / ]", "s\" 2 3 +\" evaluate [ 7 ] literal"];
    let define = |engine: &mut Engine, text: &str| {
        let defined = engine.define("k", text);
        let burned = engine.fuel_used();
        let ran = defined.as_ref().map(|xt| engine.execute(*xt, &[])).map_err(Clone::clone);
        (defined, burned, ran, engine.stack().to_vec(), engine.fuel_used())
    };
    let load = |engine: &mut Engine, text: &str| {
        let loaded = engine.load(text);
        (loaded, engine.fuel_used(), engine.stack().to_vec())
    };
    for text in texts {
        let expect = define(&mut engine(), text);
        for (body, inputs) in before {
            for after in before {
                let mut used = engine();
                let word = used.define("w", body).expect(body);
                let _ = used.execute(word, inputs);
                let word = used.define("w", after.0).expect(body);
                let _ = used.execute(word, after.1);
                used.reset();
                assert_eq!(define(&mut used, text), expect, "{text} after {body}, {after:?}");
            }
        }
    }
    for text in ["0. #> nip", "2 3 +", ": f recurse ; ' f catch nip"] {
        let expect = load(&mut engine(), text);
        for (body, inputs) in before {
            let mut used = engine();
            let word = used.define("w", body).expect(body);
            let _ = used.execute(word, inputs);
            used.reset();
            assert_eq!(load(&mut used, text), expect, "{text} after {body}");
        }
    }
    // Searches that an earlier text had to pay for, and did not.
    let mut used = engine();
    let names: String = (0..20_000).map(|n| format!("0 constant name-of-a-word-{n} ")).collect();
    used.load(&names).expect("constants");
    used.define("w", &"name-of-a-word-1 drop ".repeat(50)).expect("a word");
    used.reset();
    assert_eq!(define(&mut used, texts[0]), define(&mut engine(), texts[0]));
}

/// The most fuel that there is, after runs that left the machine overdrawn or gave out nothing.
#[test]
fn the_largest_fuel_is_fuel() {
    let mut engine = engine();
    let [endless, square, branch] = [("e", "begin again"), ("d", "dup *"), ("s", "dup if 1+ then")]
        .map(|(name, body)| engine.define(name, body).expect(body));
    for fuel in [50_000, 0, 1, u64::MAX] {
        engine.set_fuel(fuel);
        if fuel < 100_000 {
            assert!(engine.execute(endless, &[]).is_err());
            assert_eq!(engine.fuel_used(), fuel);
        }
        engine.set_fuel(u64::MAX);
        for (xt, input, result) in [(square, 3, 9), (branch, 3, 4), (square, 4, 16)] {
            engine.execute(xt, &[input]).expect("it runs");
            assert_eq!((engine.stack(), engine.fuel_used()), (&[result][..], 1), "after {fuel}");
        }
        engine.load("").expect("nothing");
        assert_eq!(engine.fuel_used(), 0);
        engine.execute(square, &[3]).expect("it runs");
        assert_eq!(engine.fuel_used(), 1);
    }
}
