//! The merchant's spreadsheet: goods come in and go out by the command line, while the shop sells.

use std::process::Output;

use serde_json::json;
use tokio::process::Command;

use crate::shop::{Shop, stories};

const HEADER: &str = "sku,name,description,image,price,currency,stock,active,requires_shipping";

stories! {
    async fn goods_that_are_imported_are_on_sale_at_once(shop: Shop) {
        let said = import(&shop, &["tea,Tea,\"Green, \"\"loose\"\"\",/tea.svg,7.50,eur,12,true,true"]).await;
        assert_eq!(said, "1 new, 0 changed, 0 unchanged\n");

        let page = shop.guest().get("/api/products?q=tea").await;

        let tea = &page.body["items"][0];
        let expected = json!({
            "id": tea["id"], "sku": "tea", "name": "Tea", "description": "Green, \"loose\"",
            "image": "/tea.svg", "price": 7.5, "currency": "eur", "available": 12,
        });
        assert_eq!(tea, &expected);
        let item = json!({ "productId": tea["id"], "quantity": 2 });
        shop.guest().post("/api/cart/items", item).await.says(r#""subtotal":15.00"#);
        shop.close().await;
    }

    async fn an_export_holds_every_product_and_importing_it_changes_nothing(shop: Shop) {
        shop.change("lamp", |lamp| lamp.active = false).await;

        let exported = till(&shop, &["export"], "").await;

        let text = String::from_utf8(exported.stdout).unwrap();
        let lines: Vec<_> = text.lines().collect();
        assert_eq!((lines.len(), lines[0]), (7, HEADER));
        let mug = "mug,A mug,What everybody wants: a mug.,/assets/mug.svg,12.00,EUR,100,true,true";
        assert_eq!(lines[1], mug);
        assert!(lines[2].ends_with(",89.00,EUR,10,false,true"), "{}", lines[2]);
        assert_eq!(import(&shop, &lines[1..]).await, "0 new, 0 changed, 6 unchanged\n");
        shop.close().await;
    }

    async fn one_bad_row_is_named_with_its_line_and_nothing_is_imported(shop: Shop) {
        let guest = shop.guest();
        let before = guest.get("/api/products").await.text;

        let said = import(&shop, &[
            "tea,Tea,,,7.50,EUR,12,true,true",
            "mug,A mug,,,9.99,EUR,,true,true",
            "cup,Cup,,,7.505,EUR,1,true,true",
            "pot,Pot,,,7.50,USD,one,true,perhaps",
        ])
        .await;

        for text in ["line 4, price", "line 5, currency", "line 5, stock", "line 5, requires_shipping"] {
            assert!(said.contains(text), "{text}: {said}");
        }
        assert!(said.contains("nothing was imported"), "{said}");
        assert_eq!(guest.get("/api/products").await.text, before);
        shop.close().await;
    }

    async fn a_count_below_what_orders_have_reserved_is_refused(shop: Shop) {
        let guest = shop.guest_with_cart([("lamp", 4)]).await;
        guest.intent().await;
        let lamp = |stock: &str| format!("lamp,A lamp,,,89.00,EUR,{stock},true,true");

        let refused = import(&shop, &[&lamp("3")]).await;

        assert!(refused.contains("line 2, stock: 4 are reserved"), "{refused}");
        assert_eq!(shop.stock("lamp").await, (10, 4));
        assert_eq!(import(&shop, &[&lamp("4")]).await, "0 new, 1 changed, 0 unchanged\n");
        assert_eq!(import(&shop, &[&lamp("+2")]).await, "0 new, 1 changed, 0 unchanged\n");
        assert_eq!(shop.stock("lamp").await, (6, 4));
        shop.close().await;
    }

    async fn an_imported_price_is_told_to_whoever_has_the_product_in_her_cart(shop: Shop) {
        let guest = shop.guest_with_cart([("mug", 1)]).await;

        import(&shop, &["mug,A mug,,,12.50,EUR,,true,true"]).await;

        let refused = guest.ask_intent().await;
        assert_eq!(refused.to_string(), "409 checkout.priceChanged");
        refused.says(r#""oldUnitPrice":12.00,"newUnitPrice":12.50"#);
        assert_eq!(shop.stock("mug").await, (100, 0));
        guest.get("/api/cart").await.says(r#""unitPrice":12.50"#);
        guest.ask_intent().await.says(r#""amount":17.40"#);
        shop.close().await;
    }
}

/// Imports rows from a file and returns what was said.
async fn import(shop: &Shop, rows: &[&str]) -> String {
    let file = format!("{HEADER}\n{}\n", rows.join("\n"));
    let output = till(shop, &["import", "products.csv"], &file).await;
    assert_eq!(output.status.success(), output.stderr.is_empty(), "{output:?}");
    let said = if output.status.success() { output.stdout } else { output.stderr };
    String::from_utf8(said).unwrap()
}

/// Runs `till catalog` on the shop's database, in a folder with this file.
async fn till(shop: &Shop, arguments: &[&str], file: &str) -> Output {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("products.csv"), file).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_till"));
    command.arg("catalog").args(arguments).current_dir(folder.path()).env_clear();
    command.env("DATABASE_URL", shop.database_url()).kill_on_drop(true).output().await.unwrap()
}
