#pragma once

// What the tables of a SQLite store look like, and how older files become like
// that.

#include "storage/sqlite.hpp"

#include <cstdint>
#include <span>

namespace leasehold {

/// Marks the file as ours ("Lshd").
inline constexpr int64_t sqlite_application_id = 0x4c736864;

/// How to get from each version of the schema to the next. Version 0 is an
/// empty file. Add steps at the end; never change one that was released.
std::span<const char* const> schema_steps();

/// The version of the schema in this file.
int64_t schema_version(sqlite::connection& db);

/// Takes the steps that this file has not taken yet, each in a transaction of
/// its own. Several processes may do it at once. Throws `sqlite::error`.
void migrate(sqlite::connection& db,
             std::span<const char* const> steps = schema_steps());

} // namespace leasehold
