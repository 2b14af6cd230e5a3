-- Once, when the cluster is made: what the product signs in as. It owns its database and may create
-- others, which restoring a backup needs; it is no superuser.
\set password `cat /run/secrets/database_password`
CREATE ROLE pmscoring LOGIN CREATEDB PASSWORD :'password';
CREATE DATABASE pmscoring OWNER pmscoring;
REVOKE CONNECT ON DATABASE postgres FROM PUBLIC;
GRANT CONNECT ON DATABASE postgres TO pmscoring;
REVOKE ALL ON DATABASE pmscoring FROM PUBLIC;
