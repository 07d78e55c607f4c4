-- The first schema: cart, order, payment, events in, effects out. Times are milliseconds since 1970
-- UTC, amounts are minor units beside a currency, truth is 0 or 1. A unique index is named for its
-- table and columns, so that a duplicate has the same name on every database. Checks of a state
-- say `or`, not `in`: SQLite would build a table of a longer list for every row it checks.

-- What the shop sells. `search_text` is name, number and description in lower case, because no two
-- databases agree on what lower case is.
create table products (
    id blob not null,
    sku text not null,
    name text not null,
    description text not null,
    image text,
    price_minor integer not null,
    currency text not null,
    on_hand integer not null,
    reserved integer not null,
    active integer not null,
    requires_shipping integer not null,
    search_text text not null,
    created_at integer not null,
    updated_at integer not null,
    primary key (id),
    check (price_minor >= 0),
    check (reserved >= 0 and reserved <= on_hand),
    check (active in (0, 1)),
    check (requires_shipping in (0, 1))
) strict, without rowid;
create unique index products_sku on products (sku);

-- What visitors mean to buy; one cart each. `last_change` is the id of the change that was made last,
-- so that a change whose commit was lost is not made twice.
create table carts (
    id blob not null,
    visitor_id blob not null,
    currency text not null,
    last_change blob,
    created_at integer not null,
    updated_at integer not null,
    primary key (id)
) strict, without rowid;
create unique index carts_visitor_id on carts (visitor_id);

-- A product stands in a cart once. `position` grows in the order of adding and has gaps. There
-- is no foreign key to the product: MySQL would make each visitor who adds it wait for its buyers.
create table cart_lines (
    cart_id blob not null,
    id blob not null,
    position integer not null,
    product_id blob not null,
    sku text not null,
    name text not null,
    image text,
    unit_price_minor integer not null,
    quantity integer not null,
    requires_shipping integer not null,
    primary key (cart_id, id),
    foreign key (cart_id) references carts (id),
    check (unit_price_minor >= 0),
    check (quantity > 0),
    check (requires_shipping in (0, 1))
) strict, without rowid;
create unique index cart_lines_cart_id_product_id on cart_lines (cart_id, product_id);

-- A cart at checkout, frozen. `state_at` and `paid_by_event` belong to the state; an order without
-- an event is paid because its total is zero.
create table orders (
    id blob not null,
    visitor_id blob not null,
    cart_id blob not null,
    fingerprint blob not null,
    email text not null,
    accepts_marketing integer not null,
    shipping_name text not null,
    shipping_company text,
    shipping_street text not null,
    shipping_postal_code text not null,
    shipping_city text not null,
    shipping_country text not null,
    shipping_phone text,
    billing_name text not null,
    billing_company text,
    billing_street text not null,
    billing_postal_code text not null,
    billing_city text not null,
    billing_country text not null,
    billing_phone text,
    currency text not null,
    subtotal_minor integer not null,
    shipping_minor integer not null,
    tax_minor integer not null,
    total_minor integer not null,
    tax_mode text not null,
    state text not null,
    expires_at integer,
    state_at integer,
    paid_by_event text,
    created_at integer not null,
    updated_at integer not null,
    primary key (id),
    check (accepts_marketing in (0, 1)),
    check (subtotal_minor >= 0 and shipping_minor >= 0 and tax_minor >= 0 and total_minor >= 0),
    check (tax_mode in ('included', 'added')),
    check (state = 'pending' or state = 'paid' or state = 'failed' or state = 'cancelled'),
    check (state <> 'pending' or expires_at is not null),
    check (state = 'pending' or state_at is not null),
    check (state <> 'paid' or paid_by_event is not null or total_minor = 0),
    check (state = 'paid' or paid_by_event is null)
) strict, without rowid;
create index orders_cart_id_created_at on orders (cart_id, created_at);
create index orders_state on orders (state);

-- What was ordered, at the price the shopper saw. The product may be gone from the catalogue.
create table order_lines (
    order_id blob not null,
    position integer not null,
    id blob not null,
    product_id blob not null,
    sku text not null,
    name text not null,
    image text,
    unit_price_minor integer not null,
    quantity integer not null,
    requires_shipping integer not null,
    primary key (order_id, position),
    foreign key (order_id) references orders (id),
    check (unit_price_minor >= 0),
    check (quantity > 0),
    check (requires_shipping in (0, 1))
) strict, without rowid;
create unique index order_lines_order_id_product_id on order_lines (order_id, product_id);

-- The one demand for an order's total. `live_cart_id` is the cart while money may still move, and
-- unique: a cart has one live payment. `due_at` is when the worker must look at it again. Until
-- `held_until` another order is taking its order's place, and its cancellation is left to that.
create table payments (
    id blob not null,
    order_id blob not null,
    cart_id blob not null,
    live_cart_id blob,
    amount_minor integer not null,
    currency text not null,
    livemode integer not null,
    gateway_reference text,
    client_secret text,
    state text not null,
    declined text not null,
    decline_attempt text,
    decline_code text,
    decline_message text,
    failure_reason text,
    receipt_event text,
    receipt_minor integer,
    receipt_currency text,
    receipt_at integer,
    due_at integer,
    held_until integer,
    lease_token blob,
    lease_until integer,
    created_at integer not null,
    updated_at integer not null,
    primary key (id),
    foreign key (order_id) references orders (id),
    check (amount_minor > 0),
    check (livemode in (0, 1)),
    check (live_cart_id is null or live_cart_id = cart_id),
    check (
        state = 'created' or state = 'unknown' or state = 'open' or state = 'declined' or
        state = 'requires_action' or state = 'processing' or state = 'answered' or
        state = 'closing' or state = 'succeeded' or state = 'failed' or state = 'cancelled'
    ),
    check (
        live_cart_id is null or (state <> 'succeeded' and state <> 'failed' and
        state <> 'cancelled')
    ),
    check (
        live_cart_id is not null or state = 'succeeded' or state = 'failed' or state = 'cancelled'
    ),
    check (
        gateway_reference is not null or state = 'created' or state = 'unknown' or
        state = 'cancelled'
    ),
    check (
        state <> 'succeeded' or (receipt_event is not null and receipt_minor is not null and
        receipt_currency is not null and receipt_at is not null)
    ),
    check (failure_reason is not null or (state <> 'closing' and state <> 'failed')),
    check (
        state <> 'declined' or (decline_attempt is not null and decline_code is not null and
        decline_message is not null)
    )
) strict, without rowid;
create unique index payments_order_id on payments (order_id);
create unique index payments_live_cart_id on payments (live_cart_id);
create unique index payments_gateway_reference on payments (gateway_reference);
create index payments_due_at on payments (due_at);

-- Requests to the gateway, written down before they are sent, with what came back.
create table payment_attempts (
    payment_id blob not null,
    number integer not null,
    idempotency_key text not null,
    request text not null,
    created_at integer not null,
    outcome text,
    answer text,
    answered_at integer,
    primary key (payment_id, number),
    foreign key (payment_id) references payments (id),
    check (number > 0)
) strict;
create unique index payment_attempts_idempotency_key on payment_attempts (idempotency_key);

-- Events from outside; each id counts once. `due_at` is null once the event has been applied. Those
-- of turn 1 are applied as they stand, those of turn 2 need a question first.
create table inbox (
    id text not null,
    kind text not null,
    object text,
    livemode integer not null,
    payload text not null,
    source text not null,
    turn integer not null,
    received_at integer not null,
    due_at integer,
    applied_at integer,
    outcome text,
    tries integer not null,
    last_error text,
    lease_token blob,
    lease_until integer,
    primary key (id),
    check (livemode in (0, 1)),
    check (turn in (1, 2)),
    check (source in ('webhook', 'poll')),
    check (due_at is null or applied_at is null),
    check (due_at is not null or applied_at is not null),
    check (applied_at is null or outcome is not null)
) strict;
create index inbox_turn_due_at on inbox (turn, due_at);
create index inbox_received_at on inbox (received_at);

-- Effects that an order's state calls for; each is done at least once. `due_at` is null once done.
create table outbox (
    id blob not null,
    order_id blob not null,
    kind text not null,
    subject text not null,
    due_at integer,
    done_at integer,
    tries integer not null,
    last_error text,
    lease_token blob,
    lease_until integer,
    primary key (id),
    foreign key (order_id) references orders (id),
    check (due_at is null or done_at is null),
    check (due_at is not null or done_at is not null)
) strict;
create unique index outbox_order_id_kind_subject on outbox (order_id, kind, subject);
create index outbox_due_at on outbox (due_at);

-- What a person must look at; the same matter is raised once.
create table attention (
    id blob not null,
    order_id blob,
    kind text not null,
    subject text not null,
    sentence text not null,
    raised_at integer not null,
    resolved_at integer,
    primary key (id)
) strict;
create unique index attention_kind_subject on attention (kind, subject);
create index attention_resolved_at_raised_at on attention (resolved_at, raised_at);

-- How far a reader of somebody else's list has come, and who is reading.
create table cursors (
    name text not null,
    value text,
    lease_token blob,
    lease_until integer,
    primary key (name)
) strict, without rowid;
