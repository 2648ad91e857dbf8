#pragma once

// What the errors of PostgreSQL mean and what to do about them.

#include "messages/result.hpp"
#include "storage/postgres.hpp"
#include "storage/postgres_url.hpp"

#include <exception>
#include <string>

namespace leasehold {

/// Whether the same may work on another try, and this one has changed nothing.
bool is_passing(const postgres::error& e);

/// In words for people, and without secrets.
failure to_failure(const postgres_url& url, const postgres::error& e);

/// This database will not serve, whatever we do.
failure unusable(const postgres_url& url, const std::string& why);

/// Runs `what`; what it throws becomes a failure.
template <class What>
auto guarded(const postgres_url& url, What what) -> decltype(what()) {
  try {
    return what();
  } catch (const postgres::error& e) {
    return to_failure(url, e);
  } catch (const std::exception& e) {
    return failure{ec::internal,
                   "Store \"" + url.where + "\": an internal error.",
                   without_secrets(e.what(), url)};
  }
}

} // namespace leasehold
