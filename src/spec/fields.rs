//! The one table of the fields of a specification. The reader matches on the enums that it makes, and the JSON Schema is
//! printed from its rows, so that neither can know a field that the other does not.

/// What a field holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Shape {
    /// A string.
    Text,
    /// A string, or anything else that nobody computes with.
    AnyText,
    /// An array of strings.
    Texts,
    /// One of the names of [`crate::model::CellType`].
    CellType,
    /// A whole number that fits a signed cell.
    Int,
    /// An array of stack values.
    Values,
    /// An object with the fields of a set.
    Object(Set),
    /// An array of such objects.
    Objects(Set),
}

/// The kinds of objects in a specification.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Set {
    /// `stack_effect`
    Effect,
    /// An item of `inputs`
    Input,
    /// An item of `outputs`
    Output,
    /// An item of `test_cases` and `heldout_cases`
    Test,
    /// `complexity`
    Complexity,
    /// `implementation`
    Implementation,
    /// `metadata`
    Metadata,
}

impl Set {
    /// The rows of the set.
    pub fn rows(self) -> &'static [Field] {
        match self {
            Set::Effect => EffectField::ROWS,
            Set::Input => InputField::ROWS,
            Set::Output => OutputField::ROWS,
            Set::Test => TestField::ROWS,
            Set::Complexity => ComplexityField::ROWS,
            Set::Implementation => ImplementationField::ROWS,
            Set::Metadata => MetadataField::ROWS,
        }
    }

    /// Further fields are welcome and not looked at.
    pub fn is_free(self) -> bool {
        matches!(self, Set::Complexity | Set::Metadata)
    }

    /// Its name among the definitions of the schema.
    pub fn name(self) -> &'static str {
        match self {
            Set::Effect => "stack_effect",
            Set::Input => "input",
            Set::Output => "output",
            Set::Test => "test",
            Set::Complexity => "complexity",
            Set::Implementation => "implementation",
            Set::Metadata => "metadata",
        }
    }

    /// All sets.
    pub const ALL: [Set; 7] = [
        Set::Effect,
        Set::Input,
        Set::Output,
        Set::Test,
        Set::Complexity,
        Set::Implementation,
        Set::Metadata,
    ];
}

/// How much a field weighs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Weight {
    /// It must stand there.
    Required,
    /// It changes what is checked or searched: a slip in its name is an error.
    Matters,
    /// It is for people: a slip in its name is a warning.
    Tells,
}

/// One row of the table.
#[derive(Clone, Copy, Debug)]
pub struct Field {
    /// The name in the JSON.
    pub name: &'static str,
    /// What it holds.
    pub shape: Shape,
    /// How much it weighs.
    pub weight: Weight,
    /// What it is for.
    pub doc: &'static str,
    /// An example, as JSON.
    pub example: &'static str,
    /// What people write instead.
    pub aliases: &'static [&'static str],
}

/// The fields of one kind of object, by number.
pub trait FieldSet: Copy {
    /// The rows, by the number of the field.
    const ROWS: &'static [Field];
    /// Further fields are welcome and not looked at.
    const IS_FREE: bool;
    /// The field with this name.
    fn of(name: &str) -> Option<Self>;
    /// Its row.
    fn index(self) -> usize;
}

macro_rules! fields {
    ($(#[$doc:meta])* $set:ident free $free:literal {
        $($variant:ident $name:literal $shape:expr, $weight:ident, $text:literal, $example:literal $(, $alias:literal)*;)*
    }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        #[allow(missing_docs, reason = "each variant is the field that its row in the table tells about")]
        pub enum $set { $($variant,)* }

        impl FieldSet for $set {
            const ROWS: &'static [Field] = &[$(Field {
                name: $name, shape: $shape, weight: Weight::$weight, doc: $text, example: $example, aliases: &[$($alias),*],
            },)*];
            const IS_FREE: bool = $free;

            #[inline(always)]
            fn of(name: &str) -> Option<Self> {
                match name {
                    $($name => Some(Self::$variant),)*
                    _ => None,
                }
            }

            #[inline(always)]
            fn index(self) -> usize {
                self as usize
            }
        }
    };
}

fields! {
    /// The fields of a specification.
    SpecField free false {
        Word "word" Shape::Text, Required, "Name of the Forth word that is specified", r#""square""#, "name", "id", "title", "function";
        Description "description" Shape::Text, Tells, "What the word does, for people", r#""the square of a number""#, "desc", "doc", "comment", "summary";
        StackEffect "stack_effect" Shape::Object(Set::Effect), Required, "What the word takes from the stack and leaves on it",
            r#"{"inputs": [{"name": "n", "type": "int"}], "outputs": [{"name": "n²", "type": "int", "value": "n²"}]}"#,
            "effect", "stack", "signature", "stackEffect";
        Properties "properties" Shape::Texts, Matters, "Properties that must hold, as expressions; checked on samples",
            r#"["square(-n) = square(n)", "square(n) >= n for n > 0"]"#, "property", "laws", "invariants";
        TestCases "test_cases" Shape::Objects(Set::Test), Matters, "Tests that the final code passes; the search sees them",
            r#"[{"input": [5], "output": [25]}]"#, "tests", "test", "cases", "examples", "testCases";
        HeldoutCases "heldout_cases" Shape::Objects(Set::Test), Matters, "Tests that the search never sees; they are scored only",
            r#"[{"input": [12], "output": [144]}]"#, "heldout", "held_out", "heldout_tests", "hidden_tests";
        Complexity "complexity" Shape::Object(Set::Complexity), Tells, "Claimed complexity; further fields are welcome",
            r#"{"time": "O(1)", "space": "O(1)"}"#;
        Implementation "implementation" Shape::Object(Set::Implementation), Matters, "Code to judge, a pattern to try, hints",
            r#"{"pattern": "DUP_TRANSFORM_001"}"#, "impl";
        Uses "uses" Shape::Texts, Matters, "Other words of the corpus that this one may call", r#"["gcd"]"#, "depends", "requires", "dependencies", "imports";
        Metadata "metadata" Shape::Object(Set::Metadata), Tells, "Where the specification comes from; further fields are welcome",
            r#"{"author": "Ada", "tags": ["arithmetic"]}"#, "meta";
        Schema "$schema" Shape::AnyText, Tells, "Address of a schema, for editors; not looked at", r#""wordmill.schema.json""#;
    }
}

fields! {
    /// The fields of `stack_effect`.
    EffectField free false {
        Inputs "inputs" Shape::Objects(Set::Input), Required, "The stack before, from bottom to top", r#"[{"name": "n", "type": "int"}]"#, "input", "in", "args", "parameters";
        Outputs "outputs" Shape::Objects(Set::Output), Required, "The stack after, from bottom to top", r#"[{"name": "n²", "type": "int"}]"#, "output", "out", "results", "returns";
    }
}

fields! {
    /// The fields of an input.
    InputField free false {
        Name "name" Shape::Text, Tells, "Name for people and for expressions", r#""n""#, "id", "label";
        Type "type" Shape::CellType, Required, "Type of the stack item", r#""int""#, "ty", "kind";
        Constraint "constraint" Shape::Text, Matters, "An expression that every input satisfies", r#""0 <= n <= 20""#, "constraints", "range", "where", "condition";
        Description "description" Shape::AnyText, Tells, "A remark for people", r#""how many""#, "desc", "doc";
    }
}

fields! {
    /// The fields of an output.
    OutputField free false {
        Name "name" Shape::Text, Tells, "Name for people", r#""n²""#, "id", "label";
        Type "type" Shape::CellType, Required, "Type of the stack item", r#""int""#, "ty", "kind";
        Value "value" Shape::Text, Matters, "An expression over the inputs that gives the right answer", r#""n²""#, "expression", "formula", "expr";
        Description "description" Shape::AnyText, Tells, "A remark for people", r#""the product""#, "desc", "doc";
    }
}

fields! {
    /// The fields of a test.
    TestField free false {
        Input "input" Shape::Values, Required, "The stack before, from bottom to top", r#"[5]"#, "inputs", "in", "args", "given";
        Output "output" Shape::Values, Matters, "The stack after, from bottom to top; not together with throws", r#"[25]"#, "outputs", "out", "expected", "expect", "result";
        Throws "throws" Shape::Int, Matters, "The exception code that the word must THROW", r#"-10"#, "throw", "exception", "error";
        Prints "prints" Shape::Text, Matters, "The text that the word must print, byte for byte; without it printing is not looked at", r#""25 ""#, "print", "printed", "stdout", "prints_text", "emits", "output_text";
        Description "description" Shape::Text, Tells, "What the test is for", r#""small number""#, "desc", "name", "comment";
        Tags "tags" Shape::Texts, Tells, "Tags of the test", r#"["edge_case"]"#, "tag", "labels";
    }
}

fields! {
    /// The fields of `complexity`.
    ComplexityField free true {
        Time "time" Shape::AnyText, Tells, "Big-O of time", r#""O(log n)""#;
        Space "space" Shape::AnyText, Tells, "Big-O of space", r#""O(1)""#;
    }
}

fields! {
    /// The fields of `implementation`.
    ImplementationField free false {
        Code "code" Shape::Text, Matters, "A body, or a whole colon definition, to judge", r#""dup *""#, "body", "source", "definition", "forth";
        Pattern "pattern" Shape::Text, Matters, "Id of the template to try first", r#""DUP_TRANSFORM_001""#, "template", "pattern_id";
        Hints "hints" Shape::Texts, Tells, "Hints for people", r#"["multiply the number by itself"]"#, "hint", "notes";
    }
}

fields! {
    /// The fields of `metadata`.
    MetadataField free true {
        Author "author" Shape::AnyText, Tells, "Who wrote it", r#""Ada""#;
        Version "version" Shape::AnyText, Tells, "Its version", r#""1.0.0""#;
        Created "created" Shape::AnyText, Tells, "When it was written", r#""2025-01-31T12:00:00Z""#;
        Tags "tags" Shape::Texts, Tells, "Tags; expect:unsolved keeps the specification out of the exit code", r#"["arithmetic"]"#;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check<F: FieldSet>() {
        for (index, row) in F::ROWS.iter().enumerate() {
            assert_eq!(F::of(row.name).map(F::index), Some(index), "{}", row.name);
            serde_json::from_str::<serde_json::Value>(row.example).expect(row.example);
            for alias in row.aliases {
                assert!(F::of(alias).is_none(), "{alias} is a field itself");
                assert_eq!(
                    F::ROWS.iter().filter(|other| other.aliases.contains(alias)).count(),
                    1,
                    "{alias}"
                );
            }
        }
        assert!(F::of("no such field").is_none());
        assert!(F::ROWS.len() <= 32, "the reader keeps a bit for each field");
    }

    #[test]
    fn every_row_is_found_by_its_name() {
        check::<SpecField>();
        check::<EffectField>();
        check::<InputField>();
        check::<OutputField>();
        check::<TestField>();
        check::<ComplexityField>();
        check::<ImplementationField>();
        check::<MetadataField>();
    }

    #[test]
    fn sets_agree_with_their_fields() {
        assert!(Set::ALL.iter().filter(|set| set.is_free()).eq([Set::Complexity, Set::Metadata].iter()));
        const { assert!(ComplexityField::IS_FREE && MetadataField::IS_FREE && !TestField::IS_FREE) };
    }
}
