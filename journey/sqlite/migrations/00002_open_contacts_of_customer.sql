-- +goose Up
ALTER TABLE open_contacts ADD COLUMN customer_id TEXT NOT NULL DEFAULT '';
UPDATE open_contacts SET customer_id = coalesce(json_extract(body, '$.Customer'), '');
CREATE INDEX open_contacts_customer ON open_contacts (customer_id);

-- +goose Down
DROP INDEX open_contacts_customer;
ALTER TABLE open_contacts DROP COLUMN customer_id;
