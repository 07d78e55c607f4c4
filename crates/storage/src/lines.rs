//! A list of texts in one column: one on each line.

/// One line for each text; a backslash and a line break inside are escaped, so that every list
/// reads back as it was written.
pub(crate) fn joined<T: AsRef<str>>(texts: &[T]) -> String {
    let mut joined = String::new();
    for text in texts {
        joined.push_str(&text.as_ref().replace('\\', "\\\\").replace('\n', "\\n"));
        joined.push('\n');
    }
    joined
}

pub(crate) fn split(joined: &str) -> Vec<String> {
    let mut texts = Vec::new();
    for line in joined.split_terminator('\n') {
        let mut text = String::with_capacity(line.len());
        let mut letters = line.chars();
        while let Some(letter) = letters.next() {
            text.push(match (letter, letter == '\\') {
                (letter, false) => letter,
                (_, true) => match letters.next() {
                    Some('n') => '\n',
                    Some(escaped) => escaped,
                    None => '\\',
                },
            });
        }
        texts.push(text);
    }
    texts
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_list_of_texts_reads_back_as_it_was_written(
            texts in proptest::collection::vec("[a-z\\\\\n\r n]{0,6}", 0..5),
        ) {
            prop_assert_eq!(split(&joined(&texts)), texts);
        }
    }
}
