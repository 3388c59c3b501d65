use orgate_tests::fixture::Fixture;
#[tokio::test]
async fn smoke() {
    let f = Fixture::new().await;
    let e = f.acme.everything().await;
    f.globex.everything().await;
    println!("{e:?}");
}
