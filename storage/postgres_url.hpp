#pragma once

// Where a PostgreSQL store is: its URL taken apart, so that it can be connected
// to, and named without its password.

#include "messages/result.hpp"
#include "messages/values.hpp"

#include <string>
#include <vector>

namespace leasehold {

struct postgres_url {
  /// What the connection is made with. Has the password: never shown.
  std::string conninfo;
  /// For people: server and database, and nothing else.
  std::string where;
  /// What must not be seen by anybody.
  std::vector<std::string> secrets;
};

/// Takes `url` apart and adds what it leaves open: time-outs, keepalives, a
/// name. Errors: `store_unusable`; says nothing of what the URL holds.
result<postgres_url> parse_postgres_url(const std::string& url,
                                        milliseconds connect_timeout);

/// The text without the secrets of this URL.
std::string without_secrets(std::string text, const postgres_url& url);

/// Why the server does not let us in, as an SQLSTATE; empty if it cannot be
/// reached, or lets us in now.
std::string ask_why_refused(const postgres_url& url, milliseconds timeout);

} // namespace leasehold
