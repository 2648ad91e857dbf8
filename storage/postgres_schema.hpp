#pragma once

// What the tables of a PostgreSQL store look like, and how older databases
// become like that.

#include "storage/postgres.hpp"

#include <cstdint>
#include <span>

namespace leasehold {

/// How to get from each version of the schema to the next. Version 0 has no
/// tables. Add steps at the end; never change one that was released.
std::span<const char* const> postgres_schema_steps();

/// The version of the schema in this database; zero if there is none.
int64_t schema_version(postgres::connection& db);

/// Takes the steps that this database has not taken yet, each in a transaction
/// of its own. Several engines may do it at once. Throws `postgres::error`.
void migrate(postgres::connection& db,
             std::span<const char* const> steps = postgres_schema_steps());

} // namespace leasehold
