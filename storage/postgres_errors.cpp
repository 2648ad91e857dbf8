#include "storage/postgres_errors.hpp"

#include <algorithm>
#include <array>
#include <string_view>

namespace leasehold {

namespace {

struct advice {
  /// The beginning of an SQLSTATE.
  std::string_view state;
  ec code;
  const char* text;
};

// The first row that fits counts.
constexpr auto table = std::to_array<advice>({
  {"57P03", ec::store_unavailable,
   "the server is starting up, shutting down, or recovering. Try again"},
  {"57P0", ec::store_unavailable,
   "the server has closed the connection. Check that it runs, and try again"},
  {"57014", ec::store_unavailable,
   "the server took too long. Find out what keeps it busy, and try again"},
  {"55P03", ec::store_unavailable,
   "another session has kept it locked for too long. Try again, or find out "
   "which one holds the lock"},
  {"40", ec::store_unavailable,
   "other engines have changed the same rows again and again. Try again"},
  {"53100", ec::store_unavailable,
   "the server's disk is full. Free some space; everything confirmed so far "
   "is safe"},
  {"53200", ec::store_unavailable, "the server has not enough memory"},
  {"53300", ec::store_unavailable,
   "the server has too many connections. Close some, or raise its "
   "max_connections"},
  {"58", ec::store_unavailable,
   "the server's disk does not read or write as it should. Check the disk"},
  {"25P0", ec::store_unavailable,
   "the server has ended the session because it was idle. Try again"},
  {"3D000", ec::store_unusable,
   "the database does not exist. Create it (createdb), or choose another one"},
  {"28", ec::store_unusable,
   "the server does not let this user in. Check the user and the password in "
   "the URL, and the server's pg_hba.conf"},
  {postgres::read_only, ec::store_unusable,
   "it is read-only: a standby, or set to be. Connect to the server that takes "
   "writes"},
  {"42501", ec::store_unusable,
   "this user may not use or create the tables. Grant it CREATE on the "
   "database, or everything on the schema \"leasehold\""},
  {postgres::data_corrupted, ec::store_unusable,
   "its content is damaged. Restore it from a backup"},
  {"XX002", ec::store_unusable,
   "its content is damaged. Restore it from a backup"},
});

constexpr advice unreachable{
  "", ec::store_unavailable,
  "it cannot be reached. Check that PostgreSQL runs there and takes "
  "connections, and the host and the port in the URL"};

advice advice_on(const postgres::error& e) {
  std::string_view state = e.state();
  auto pos = std::find_if(table.begin(), table.end(), [&](const auto& x) {
    return state.starts_with(x.state);
  });
  if (pos != table.end())
    return *pos;
  if (e.lost())
    return unreachable;
  return {"", ec::internal, "the database refused"};
}

} // namespace

bool is_passing(const postgres::error& e) {
  return advice_on(e).code == ec::store_unavailable
         && (e.lost() || e.state().starts_with("40")
             || e.state().starts_with("57"));
}

failure to_failure(const postgres_url& url, const postgres::error& e) {
  auto it = advice_on(e);
  return {it.code, "Store \"" + url.where + "\": " + it.text + ".",
          without_secrets(e.what(), url)};
}

failure unusable(const postgres_url& url, const std::string& why) {
  return {ec::store_unusable, "Store \"" + url.where + "\": " + why + "."};
}

} // namespace leasehold
