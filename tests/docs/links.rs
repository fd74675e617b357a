//! Links between the pages lead somewhere.

use std::fs;

use super::{folder, updating};

#[test]
fn every_link_between_pages_leads_somewhere() {
    if updating() {
        return;
    }
    let mut links = 0;
    for path in fs::read_dir(folder()).unwrap().map(|it| it.unwrap().path()) {
        if path.extension().is_none_or(|it| it != "md") {
            continue;
        }
        let text = fs::read_to_string(&path).unwrap();
        for link in text.split("](").skip(1).filter_map(|it| it.split(')').next()) {
            let (file, anchor) = link.split_once('#').unwrap_or((link, ""));
            if file.contains("://") {
                continue;
            }
            links += 1;
            let target = if file.is_empty() { path.clone() } else { folder().join(file) };
            let shown = path.file_name().unwrap().display();
            let target = fs::read_to_string(&target);
            let target = target.unwrap_or_else(|_| panic!("docs/{shown}: no file for `{link}`"));
            let found = anchor.is_empty() || anchors(&target).iter().any(|it| it == anchor);
            assert!(found, "docs/{shown}: no heading for `{link}`");
        }
    }
    assert!(links > 50, "the pages link to each other");
}

/// The anchors of a page's headings, as code hosts make them.
fn anchors(page: &str) -> Vec<String> {
    let headings = page.lines().filter(|it| it.starts_with('#'));
    let kept = |it: &char| it.is_alphanumeric() || matches!(it, '-' | '_' | ' ');
    headings
        .map(|it| it.trim_start_matches('#').trim().to_lowercase())
        .map(|it| it.chars().filter(kept).collect::<String>().replace(' ', "-"))
        .collect()
}
