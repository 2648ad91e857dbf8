#pragma once

// Which store an engine opens. A source of its own, so that a program that
// tests engines can link another one in its place.

#include "leasehold/options.hpp"
#include "storage/store.hpp"

#include <memory>

namespace leasehold {

/// Opens what `x.store` names: a `postgres://` URL or a file. Errors: those of
/// `open_sqlite_store` and `open_postgres_store`.
result<std::unique_ptr<store>>
open_engine_store(const options& x, const instance_id& self, life_options life);

} // namespace leasehold
