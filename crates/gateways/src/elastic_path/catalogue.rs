//! Products of Elastic Path's catalogue, as a shopper sees them.

use std::collections::{BTreeMap, BTreeSet};

use domain::{elastic_path::EpProductId, money::Money};
use serde::Deserialize;

use super::{
    Caller, ElasticPath, EpError, WireError, get,
    wire::{self, Entity, List, Meta, id, money, need},
};

/// So many ids fit into one question without making its address too long.
const IDS_MAX: usize = 25;

/// A product.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProductView {
    /// Its id.
    pub id: EpProductId,
    /// The article's number.
    pub sku: String,
    /// What it is called.
    pub name: String,
    /// What is said of it.
    pub description: String,
    /// Whether it has to be shipped.
    pub commodity: Commodity,
    /// What it costs, with tax where that is known.
    pub price: Option<Money>,
}

/// Whether something has to be shipped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Commodity {
    /// It has to.
    Physical,
    /// It has not.
    Digital,
    /// Nobody says. Treat it as something that has to.
    Unknown,
}

/// A page of products.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProductPage {
    /// The products.
    pub products: Vec<ProductView>,
    /// How many there are in all, if it is told.
    pub total: Option<u64>,
}

impl ElasticPath {
    /// The products of these ids, by id. One that is missing is not in the catalogue, or not in
    /// this shopper's.
    pub async fn products(
        &self,
        caller: Caller<'_>,
        ids: &BTreeSet<EpProductId>,
    ) -> Result<BTreeMap<EpProductId, ProductView>, EpError> {
        let ids: Vec<&str> = ids.iter().map(EpProductId::as_str).collect();
        let mut found = BTreeMap::new();
        for some in ids.chunks(IDS_MAX) {
            let filter = format!("filter=in(id,{})", some.join(","));
            let page = self.page(caller, &filter, 0, some.len()).await?;
            found.extend(page.products.into_iter().map(|product| (product.id.clone(), product)));
        }
        Ok(found)
    }

    /// A page of the catalogue: `limit` products, at most a hundred, after the first `offset`.
    pub async fn product_page(
        &self,
        caller: Caller<'_>,
        offset: usize,
        limit: usize,
    ) -> Result<ProductPage, EpError> {
        self.page(caller, "", offset, limit).await
    }

    /// A product.
    pub async fn product(
        &self,
        caller: Caller<'_>,
        product: &EpProductId,
    ) -> Result<ProductView, EpError> {
        let call = get("/catalog/products/{id}", format!("/catalog/products/{product}"));
        let reply = self.call(caller, &call).await?;
        wire::read(&reply, |answer: Entity<WireProduct>| view(answer.data))
    }

    async fn page(
        &self,
        caller: Caller<'_>,
        filter: &str,
        offset: usize,
        limit: usize,
    ) -> Result<ProductPage, EpError> {
        let between = if filter.is_empty() { "" } else { "&" };
        let path = format!(
            "/catalog/products?{filter}{between}page%5Blimit%5D={limit}&page%5Boffset%5D={offset}"
        );
        let reply = self.call(caller, &get("/catalog/products", path)).await?;
        wire::read(&reply, |list: List<WireProduct>| {
            let products = need(list.data, "data")?;
            Ok(ProductPage {
                products: products.into_iter().map(view).collect::<Result<_, _>>()?,
                total: list.meta.and_then(|meta| meta.results?.total),
            })
        })
    }
}

#[derive(Deserialize)]
struct WireProduct {
    id: Option<String>,
    attributes: Option<Attributes>,
    meta: Option<Meta>,
}

#[derive(Deserialize)]
struct Attributes {
    sku: Option<String>,
    name: Option<String>,
    description: Option<String>,
    commodity_type: Option<String>,
}

fn view(product: WireProduct) -> Result<ProductView, WireError> {
    let attributes = need(product.attributes, "attributes")?;
    let price = product.meta.and_then(|meta| meta.display_price).unwrap_or_default();
    Ok(ProductView {
        id: id(product.id.as_deref(), "id")?,
        sku: attributes.sku.unwrap_or_default(),
        name: attributes.name.unwrap_or_default(),
        description: attributes.description.unwrap_or_default(),
        commodity: match attributes.commodity_type.as_deref() {
            Some("physical") => Commodity::Physical,
            Some("digital") => Commodity::Digital,
            Some(_) | None => Commodity::Unknown,
        },
        price: money(price.with_tax.as_ref())?.or(money(price.without_tax.as_ref())?),
    })
}

#[cfg(test)]
mod tests;
