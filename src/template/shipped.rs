//! The shipped template files, embedded. A test compares this list with the folder.

macro_rules! shipped {
    ($($name:literal)*) => {
        /// Name and text of every shipped file, by name.
        pub(super) const FILES: &[(&str, &str)] = &[$((
            concat!("corpus/templates/", $name),
            include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/corpus/templates/", $name)),
        ),)*];
    };
}

shipped! {
    "arithmetic.toml"
    "bits.toml"
    "conditionals.toml"
    "counted.toml"
    "double.toml"
    "flags.toml"
    "indefinite.toml"
    "loops.toml"
    "memory.toml"
    "recursion.toml"
    "sets.toml"
    "shuffles.toml"
    "skeletons.toml"
    "words.toml"
}

#[cfg(test)]
mod tests {
    use super::FILES;

    #[test]
    fn the_list_is_the_folder() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/corpus/templates");
        let mut on_disk: Vec<(String, String)> = std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.extension().is_some_and(|extension| extension == "toml"))
            .map(|path| {
                let name = path.file_name().unwrap().to_str().unwrap();
                (format!("corpus/templates/{name}"), std::fs::read_to_string(&path).unwrap())
            })
            .collect();
        on_disk.sort();
        let listed: Vec<(String, String)> =
            FILES.iter().map(|(name, text)| (name.to_string(), text.to_string())).collect();
        assert_eq!(
            listed.iter().map(|(name, _)| name).collect::<Vec<_>>(),
            on_disk.iter().map(|(name, _)| name).collect::<Vec<_>>()
        );
        assert_eq!(listed, on_disk);
    }
}
