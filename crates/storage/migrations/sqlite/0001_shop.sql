create table if not exists probe (id bigint not null primary key);
