-- Since when money of a purchase may have moved: a person is called so long after it, whatever was asked
-- since. Of a purchase that is under way the moment in which it came to stand where it stands is known.
alter table purchases add column money_since integer;

update purchases set money_since = since
where money_since is null and (is_charged = 1 or state = 'charging');
