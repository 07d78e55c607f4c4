-- Who comes back with a password. `visitor_id` is who she is to cart and checkout, `mailbox` her address
-- in small letters, `password` a hash that names its own parameters. What she agreed to is kept with its
-- time and its words.
create table customers (
    id blob not null,
    visitor_id blob not null,
    email text not null,
    mailbox text not null,
    password text not null,
    name text,
    marketing_at integer,
    marketing_text text,
    default_address_id blob,
    created_at integer not null,
    updated_at integer not null,
    primary key (id),
    check (marketing_at is null or marketing_text is not null)
) strict, without rowid;
create unique index customers_visitor_id on customers (visitor_id);
create unique index customers_mailbox on customers (mailbox);

-- Addresses that a customer has kept.
create table customer_addresses (
    id blob not null,
    customer_id blob not null,
    name text not null,
    company text,
    street text not null,
    postal_code text not null,
    city text not null,
    country text not null,
    phone text,
    created_at integer not null,
    primary key (id),
    foreign key (customer_id) references customers (id)
) strict, without rowid;
create index customer_addresses_customer_id on customer_addresses (customer_id);

-- From a sign-in to its sign-out. The cookie names the row and is signed: a copy of this table opens
-- nothing.
create table customer_sign_ins (
    id blob not null,
    customer_id blob not null,
    created_at integer not null,
    expires_at integer not null,
    primary key (id),
    foreign key (customer_id) references customers (id)
) strict, without rowid;
create index customer_sign_ins_customer_id on customer_sign_ins (customer_id);
create index customer_sign_ins_expires_at on customer_sign_ins (expires_at);

-- Letters to customers, and what their links are good for. The link holds the row's id and a signature
-- that stands nowhere here. `due_at` is null once the letter has been sent or given up; there is a row
-- for a mailbox that nobody is known by too, and none of it is sent. `password` and `name` are those of
-- an account that somebody asks for.
create table customer_letters (
    id blob not null,
    kind text not null,
    customer_id blob,
    email text not null,
    password text,
    name text,
    created_at integer not null,
    expires_at integer not null,
    used_at integer,
    due_at integer,
    tries integer not null,
    last_outcome text,
    lease_token blob,
    lease_until integer,
    primary key (id),
    check (
        kind = 'confirm' or kind = 'known' or kind = 'reset' or kind = 'new_address' or
        kind = 'changed'
    ),
    check (kind <> 'confirm' or password is not null)
) strict, without rowid;
create index customer_letters_due_at on customer_letters (due_at);
create index customer_letters_expires_at on customer_letters (expires_at);
create index customer_letters_customer_id on customer_letters (customer_id);

-- How often somebody has tried to sign in or has had letters sent, under a keyed digest of what she is
-- known by, written as the moment when the level will be empty.
create table customer_levels (
    mark blob not null,
    empty_at integer not null,
    forget_at integer not null,
    primary key (mark)
) strict, without rowid;
create index customer_levels_forget_at on customer_levels (forget_at);

-- Whose an order is: of a customer who was signed in, or who has proven its mailbox since.
create table customer_orders (
    order_id blob not null,
    customer_id blob,
    mailbox text not null,
    primary key (order_id),
    foreign key (order_id) references orders (id)
) strict, without rowid;
create index customer_orders_customer_id_order_id on customer_orders (customer_id, order_id);
create index customer_orders_mailbox on customer_orders (mailbox);
insert into customer_orders (order_id, customer_id, mailbox) select id, null, lower(email) from orders;
