-- Which cart at the commerce platform is a visitor's, from her first product on until it is bought.
create table if not exists platform_carts (
    visitor_id binary(16) not null,
    cart_id varchar(128) not null,
    created_at bigint not null,
    primary key (visitor_id)
) engine = innodb default character set utf8mb4 collate utf8mb4_bin;
