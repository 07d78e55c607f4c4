-- What a storefront noted with an order, in its own words: a list of texts, three lines for each. `noted`
-- says whether the platform's order has it.
alter table orders add column attributes text;
alter table purchases add column attributes text;
alter table purchases add column noted bigint;

-- How long a session waits for its shopper; the merchant says so when it is opened.
alter table checkout_sessions add column lifetime_s bigint not null default 1800;
