//! The tables, and how an older file becomes a newer one.

use rusqlite::Connection;

use crate::journal::Error;

/// Marks the file as ours: `Slui` in ASCII.
const APPLICATION_ID: i32 = 0x536c_7569;

/// Every step from one version to the next, in order; never edited, only added to.
const MIGRATIONS: &[&str] = &[
    include_str!("schema_1.sql"),
    include_str!("schema_2.sql"),
    include_str!("schema_3.sql"),
    include_str!("schema_4.sql"),
];

/// Opens the tables, migrating an older file; refuses a foreign or newer one.
pub(super) fn migrate(connection: &mut Connection) -> Result<(), Error> {
    let read = |it: rusqlite::Error| Error::Read(it.to_string());
    let write = |it: rusqlite::Error| Error::Write(it.to_string());
    let application: i32 =
        connection.pragma_query_value(None, "application_id", |row| row.get(0)).map_err(read)?;
    let version: usize =
        connection.pragma_query_value(None, "user_version", |row| row.get(0)).map_err(read)?;
    let tables: i64 = connection
        .query_row("SELECT count(*) FROM sqlite_master", [], |row| row.get(0))
        .map_err(read)?;
    if application != APPLICATION_ID && tables > 0 {
        return Err(Error::Read("the file is a database, but not a Sluicegate journal".into()));
    }
    if version > MIGRATIONS.len() {
        return Err(Error::Read(format!(
            "the journal has version {version}; this release knows up to {}",
            MIGRATIONS.len()
        )));
    }
    for (step, sql) in MIGRATIONS.iter().enumerate().skip(version) {
        let transaction = connection.transaction().map_err(write)?;
        transaction.execute_batch(sql).map_err(write)?;
        transaction.pragma_update(None, "application_id", APPLICATION_ID).map_err(write)?;
        transaction.pragma_update(None, "user_version", step + 1).map_err(write)?;
        transaction.commit().map_err(write)?;
    }
    Ok(())
}
