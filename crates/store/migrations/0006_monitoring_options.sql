-- Where used storage may be looked for on an infrastructure. An empty object means the defaults.
ALTER TABLE infrastructures ADD COLUMN monitoring jsonb NOT NULL DEFAULT '{}';
