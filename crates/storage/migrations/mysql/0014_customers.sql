-- Who comes back with a password. `visitor_id` is who she is to cart and checkout, `mailbox` her address
-- in small letters, `password` a hash that names its own parameters. What she agreed to is kept with its
-- time and its words.
create table if not exists customers (
    id binary(16) not null,
    visitor_id binary(16) not null,
    email text not null,
    mailbox varchar(640) not null,
    password text not null,
    name text,
    marketing_at bigint,
    marketing_text text,
    default_address_id binary(16),
    created_at bigint not null,
    updated_at bigint not null,
    primary key (id),
    unique key customers_visitor_id (visitor_id),
    unique key customers_mailbox (mailbox),
    check (marketing_at is null or marketing_text is not null)
) engine = innodb default character set utf8mb4 collate utf8mb4_bin;

-- Addresses that a customer has kept.
create table if not exists customer_addresses (
    id binary(16) not null,
    customer_id binary(16) not null,
    name text not null,
    company text,
    street text not null,
    postal_code text not null,
    city text not null,
    country text not null,
    phone text,
    created_at bigint not null,
    primary key (id),
    key customer_addresses_customer_id (customer_id),
    foreign key (customer_id) references customers (id)
) engine = innodb default character set utf8mb4 collate utf8mb4_bin;

-- From a sign-in to its sign-out. The cookie names the row and is signed: a copy of this table opens
-- nothing.
create table if not exists customer_sign_ins (
    id binary(16) not null,
    customer_id binary(16) not null,
    created_at bigint not null,
    expires_at bigint not null,
    primary key (id),
    key customer_sign_ins_customer_id (customer_id),
    key customer_sign_ins_expires_at (expires_at),
    foreign key (customer_id) references customers (id)
) engine = innodb default character set utf8mb4 collate utf8mb4_bin;

-- Letters to customers, and what their links are good for. The link holds the row's id and a signature
-- that stands nowhere here. `due_at` is null once the letter has been sent or given up; there is a row
-- for a mailbox that nobody is known by too, and none of it is sent. `password` and `name` are those of
-- an account that somebody asks for.
create table if not exists customer_letters (
    id binary(16) not null,
    kind varchar(100) not null,
    customer_id binary(16),
    email text not null,
    password text,
    name text,
    created_at bigint not null,
    expires_at bigint not null,
    used_at bigint,
    due_at bigint,
    tries bigint not null,
    last_outcome text,
    lease_token binary(16),
    lease_until bigint,
    primary key (id),
    key customer_letters_due_at (due_at),
    key customer_letters_expires_at (expires_at),
    key customer_letters_customer_id (customer_id),
    check (
        kind = 'confirm' or kind = 'known' or kind = 'reset' or kind = 'new_address' or
        kind = 'changed'
    ),
    check (kind <> 'confirm' or password is not null)
) engine = innodb default character set utf8mb4 collate utf8mb4_bin;

-- How often somebody has tried to sign in or has had letters sent, under a keyed digest of what she is
-- known by, written as the moment when the level will be empty.
create table if not exists customer_levels (
    mark varbinary(32) not null,
    empty_at bigint not null,
    forget_at bigint not null,
    primary key (mark),
    key customer_levels_forget_at (forget_at)
) engine = innodb default character set utf8mb4 collate utf8mb4_bin;

-- Whose an order is: of a customer who was signed in, or who has proven its mailbox since.
create table if not exists customer_orders (
    order_id binary(16) not null,
    customer_id binary(16),
    mailbox varchar(640) not null,
    primary key (order_id),
    key customer_orders_customer_id_order_id (customer_id, order_id),
    key customer_orders_mailbox (mailbox),
    foreign key (order_id) references orders (id)
) engine = innodb default character set utf8mb4 collate utf8mb4_bin;
insert ignore into customer_orders (order_id, customer_id, mailbox) select id, null, lower(email) from orders;
