-- Which cart at the commerce platform is a visitor's, from her first product on until it is bought.
create table platform_carts (
    visitor_id uuid not null,
    cart_id text not null,
    created_at bigint not null,
    primary key (visitor_id)
);
