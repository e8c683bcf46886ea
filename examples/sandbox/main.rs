//! placeholder
mod primary;
fn main() {
    let keys: Vec<_> = primary::tsig::Algorithm::ALL
        .iter()
        .map(|a| primary::tsig::Key {
            name: a.name().into(),
            algorithm: *a,
            secret: b"0123456789abcdef".to_vec(),
        })
        .collect();
    let p = primary::Primary::start(
        "example.com.",
        &keys,
        &["host 60 TXT hello world", "www 60 CNAME host"],
        &[],
    )
    .unwrap();
    println!("{}", p.address().port());
    std::thread::sleep(std::time::Duration::from_secs(4));
    println!("{:#?} {}", p.zone(), p.serial());
    for s in p.seen() {
        println!("{s:?}");
    }
}
