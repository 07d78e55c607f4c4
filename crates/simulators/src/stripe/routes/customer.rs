//! The customer routes, and the methods that belong to one.

use serde_json::Value;

use crate::stripe::api::call::Call;
use crate::stripe::api::error::ApiError;
use crate::stripe::api::list::Listing;
use crate::stripe::api::params::{self, Field, Params};
use crate::stripe::objects::customer::Customer;
use crate::stripe::objects::event::previous;
use crate::stripe::objects::payment_method::PaymentMethod;
use crate::stripe::routes::{Route, payment_method};
use crate::stripe::rules::customers;
use crate::stripe::rules::details::{
    MetadataChange, blank_address, change_address, email, shipping,
};
use crate::stripe::state::State;

pub(crate) const ROUTES: &[Route] = &[
    Route::post("customers", "customer", create),
    Route::get("customers", "customer[]", list),
    Route::get("customers/{}", "customer", retrieve),
    Route::post("customers/{}", "customer", update),
    Route::delete("customers/{}", "deleted_customer", delete),
    Route::get("customers/{}/payment_methods", "payment_method[]", methods),
    Route::get("customers/{}/payment_methods/{}", "payment_method", method),
];

const FIELDS: &[&str] = &[
    "address",
    "address.city",
    "address.country",
    "address.line1",
    "address.line2",
    "address.postal_code",
    "address.state",
    "business_name",
    "description",
    "email",
    "expand.*",
    "individual_name",
    "invoice_settings.default_payment_method",
    "invoice_settings.footer",
    "metadata",
    "metadata.*",
    "name",
    "phone",
    "preferred_locales.*",
    "tax_exempt",
];

const NOT_SIMULATED: &[&str] = &[
    "balance",
    "cash_balance.**",
    "invoice_prefix",
    "invoice_settings.**",
    "next_invoice_sequence",
    "source",
    "tax.**",
    "validate",
];

const CREATE_NOT_SIMULATED: &[&str] = &["tax_id_data.**", "test_clock"];
const UPDATE_NOT_SIMULATED: &[&str] = &["default_source"];

/// What a request writes into a customer; all of it is checked before any of it is written.
struct Change {
    address: Field<Value>,
    business_name: Field<String>,
    description: Field<String>,
    email: Field<String>,
    individual_name: Field<String>,
    name: Field<String>,
    phone: Field<String>,
    preferred_locales: Option<Vec<String>>,
    shipping: Field<Value>,
    tax_exempt: Option<String>,
    default_payment_method: Field<String>,
    invoice_footer: Field<String>,
    metadata: MetadataChange,
}

impl Change {
    fn read(params: &Params, present: Option<&Customer>) -> Result<Self, ApiError> {
        let address = match params.field_or_map("address")? {
            Field::Absent => Field::Absent,
            Field::Unset => Field::Unset,
            Field::Set(()) => {
                let present = present.and_then(|customer| customer.address.clone());
                let mut address = present.unwrap_or_else(blank_address);
                change_address(params, "address", &mut address)?;
                Field::Set(address)
            }
        };
        let shipping = match shipping(params)? {
            Field::Set(mut shipping) => {
                if let Value::Object(fields) = &mut shipping {
                    fields.retain(|name, _| !["carrier", "tracking_number"].contains(&&**name));
                }
                Field::Set(shipping)
            }
            other => other,
        };
        let tax_exempt = match params.field("tax_exempt")? {
            Field::Absent => None,
            Field::Unset => Some("none".to_owned()),
            Field::Set(_) => params.one_of("tax_exempt", &["exempt", "none", "reverse"])?,
        };
        let locales = params.list("preferred_locales");
        let change = Self {
            address,
            business_name: params.field("business_name")?,
            description: params.field("description")?,
            email: email(params, "email")?,
            individual_name: params.field("individual_name")?,
            name: params.field("name")?,
            phone: params.field("phone")?,
            preferred_locales: (!locales.is_empty()).then_some(locales),
            shipping,
            tax_exempt,
            default_payment_method: params.field("invoice_settings.default_payment_method")?,
            invoice_footer: params.field("invoice_settings.footer")?,
            metadata: MetadataChange::read(params)?,
        };
        let none = Default::default();
        change.metadata.check(present.map_or(&none, |customer| &customer.metadata))?;
        Ok(change)
    }

    /// The default method is one of the customer's own, or the one being attached right now.
    fn check_default(&self, state: &State, owns: impl Fn(&str) -> bool) -> Result<(), ApiError> {
        let Field::Set(id) = &self.default_payment_method else { return Ok(()) };
        let param = "invoice_settings[default_payment_method]";
        if owns(id) {
            return Ok(());
        }
        if state.payment_methods.get(id).is_none() {
            return Err(ApiError::missing("PaymentMethod", id, param));
        }
        Err(ApiError::invalid(
            "The customer does not have a payment method with the ID ".to_owned()
                + id
                + ". The payment method must be attached to the customer.",
        )
        .code("resource_missing")
        .param(param))
    }

    fn apply(self, customer: &mut Customer) {
        self.address.apply(&mut customer.address);
        self.business_name.apply(&mut customer.business_name);
        self.description.apply(&mut customer.description);
        self.email.apply(&mut customer.email);
        self.individual_name.apply(&mut customer.individual_name);
        self.name.apply(&mut customer.name);
        self.phone.apply(&mut customer.phone);
        self.shipping.apply(&mut customer.shipping);
        self.default_payment_method.apply(&mut customer.default_payment_method);
        self.invoice_footer.apply(&mut customer.invoice_footer);
        self.metadata.apply(&mut customer.metadata);
        if let Some(locales) = self.preferred_locales {
            customer.preferred_locales = locales;
        }
        if let Some(tax_exempt) = self.tax_exempt {
            customer.tax_exempt = tax_exempt;
        }
    }
}

fn create(state: &mut State, call: &Call, _: &str) -> Result<Value, ApiError> {
    let not_simulated = [NOT_SIMULATED, CREATE_NOT_SIMULATED].concat();
    call.params.only(&[FIELDS, params::SHIPPING, &["payment_method"]], &not_simulated)?;
    let change = Change::read(&call.params, None)?;
    let given = call.params.text("payment_method")?;
    let method = match &given {
        Some(id) => Some(customers::attachable(state, id, 400)?),
        None => None,
    };
    change.check_default(state, |id| given.as_deref() == Some(id))?;
    let mut customer = blank(state);
    let id = customer.id.clone();
    let default_given = matches!(change.default_payment_method, Field::Set(_));
    change.apply(&mut customer);
    // The method gets its id, and may be made, when it is attached.
    customer.default_payment_method = None;
    state.customers.insert(customer);
    let attached = method.map(|method| customers::attach(state, method, &id, &call.origin));
    let Some(customer) = state.customers.get_mut(&id) else { return Err(missing(&id)) };
    customer.default_payment_method = attached.filter(|_| default_given);
    let created = customer.render();
    state.emit("customer.created", &created, &call.origin);
    Ok(created)
}

fn blank(state: &mut State) -> Customer {
    Customer {
        id: state.ids.make("cus_", 14),
        created: state.clock.seconds(),
        deleted: false,
        address: None,
        business_name: None,
        description: None,
        email: None,
        individual_name: None,
        name: None,
        phone: None,
        preferred_locales: Vec::new(),
        shipping: None,
        tax_exempt: "none".into(),
        default_payment_method: None,
        invoice_footer: None,
        invoice_prefix: state.ids.make("", 8).to_uppercase(),
        metadata: Default::default(),
        livemode: state.settings.livemode,
    }
}

fn missing(id: &str) -> ApiError {
    ApiError::missing("customer", id, "id").status(404)
}

/// One that has not been deleted.
fn find<'a>(state: &'a State, id: &str) -> Result<&'a Customer, ApiError> {
    state.customers.get(id).filter(|customer| !customer.deleted).ok_or_else(|| missing(id))
}

fn retrieve(state: &mut State, call: &Call, id: &str) -> Result<Value, ApiError> {
    call.params.only(&[&["expand.*"]], &[])?;
    state.customers.get(id).map(Customer::render).ok_or_else(|| missing(id))
}

fn update(state: &mut State, call: &Call, id: &str) -> Result<Value, ApiError> {
    let not_simulated = [NOT_SIMULATED, UPDATE_NOT_SIMULATED].concat();
    call.params.only(&[FIELDS, params::SHIPPING], &not_simulated)?;
    let change = Change::read(&call.params, Some(find(state, id)?))?;
    change.check_default(state, |method| {
        state.payment_methods.get(method).and_then(PaymentMethod::customer) == Some(id)
    })?;
    let customer = state.customers.get_mut(id).ok_or_else(|| missing(id))?;
    let before = customer.render();
    change.apply(customer);
    let after = customer.render();
    if before != after {
        let was = previous(&before, &after);
        state.emit_update("customer.updated", &after, Some(was), &call.origin);
    }
    Ok(after)
}

/// Its methods are nobody's from now on.
fn delete(state: &mut State, call: &Call, id: &str) -> Result<Value, ApiError> {
    call.params.only(&[], &[])?;
    let last = find(state, id)?.render();
    let methods = state.payment_methods.rows().iter();
    let own = methods.filter(|method| method.customer() == Some(id));
    let methods: Vec<String> = own.map(|method| method.id.clone()).collect();
    let customer = state.customers.get_mut(id).ok_or_else(|| missing(id))?;
    customer.deleted = true;
    let deleted = customer.render();
    for method in methods {
        customers::detach(state, &method, &call.origin);
    }
    state.emit("customer.deleted", &last, &call.origin);
    Ok(deleted)
}

fn list(state: &mut State, call: &Call, _: &str) -> Result<Value, ApiError> {
    call.params.only(&[params::LIST, &["email"]], &["test_clock"])?;
    let email = call.params.text("email")?;
    let wanted =
        |customer: &Customer| !customer.deleted && (email.is_none() || email == customer.email);
    let page = Listing::read(&call.params)?.page(&state.customers, "customer", wanted)?;
    Ok(page.render("/v1/customers", Customer::render))
}

fn methods(state: &mut State, call: &Call, id: &str) -> Result<Value, ApiError> {
    call.params.only(&[params::PAGE, payment_method::FILTERS], &[])?;
    find(state, id)?;
    payment_method::page(state, call, id)
}

fn method(state: &mut State, call: &Call, id: &str) -> Result<Value, ApiError> {
    call.params.only(&[&["expand.*"]], &[])?;
    // The route's id is the last one of its path; the customer stands before it.
    let customer = call.path.split('/').nth(3).unwrap_or_default();
    find(state, customer)?;
    let method = state.payment_methods.get(id).filter(|found| found.customer() == Some(customer));
    method
        .map(PaymentMethod::render)
        .ok_or_else(|| ApiError::missing("PaymentMethod", id, "payment_method").status(404))
}
