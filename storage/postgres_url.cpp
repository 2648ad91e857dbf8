// URLs of PostgreSQL. Asks libpq, which is what reads them in the end.

#include "storage/postgres_url.hpp"

#include <libpq-fe.h>
#include <poll.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <memory>
#include <string_view>

namespace leasehold {

namespace {

using settings = std::map<std::string, std::string>;

bool is_secret(const std::string& keyword) {
  return keyword == "password" || keyword == "sslpassword";
}

/// As `keyword='value'`.
std::string quoted(const std::string& keyword, const std::string& x) {
  auto out = keyword + "='";
  for (auto c : x) {
    if (c == '\'' || c == '\\')
      out += '\\';
    out += c;
  }
  return out + "' ";
}

std::string at(const settings& given, const std::string& keyword) {
  auto pos = given.find(keyword);
  return pos == given.end() ? std::string{} : pos->second;
}

std::string name_place(const settings& given) {
  auto host = at(given, "host");
  if (host.empty())
    host = at(given, "hostaddr");
  auto port = at(given, "port");
  auto name = "/" + at(given, "dbname");
  if (host.starts_with("/"))
    return "postgresql://" + name + "?host=" + host
           + (port.empty() ? "" : "&port=" + port);
  return "postgresql://" + host + (port.empty() ? "" : ":" + port) + name;
}

settings defaults(milliseconds connect_timeout) {
  // Whole seconds, and not fewer than two.
  auto seconds = std::max<int64_t>(2, connect_timeout.count() / 1000);
  return {{"connect_timeout", std::to_string(seconds)},
          {"fallback_application_name", "leasehold"},
          {"keepalives_idle", "10"},
          {"keepalives_interval", "5"},
          {"keepalives_count", "3"},
          {"tcp_user_timeout", "30000"}};
}

/// The five characters at the end of `FATAL:  28P01`, as the server said it.
std::string state_at_end(std::string_view text) {
  while (!text.empty() && text.back() == '\n')
    text.remove_suffix(1);
  if (text.size() < 8 || text.substr(text.size() - 8, 3) != ":  ")
    return {};
  auto state = text.substr(text.size() - 5);
  auto plain = std::all_of(state.begin(), state.end(), [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z');
  });
  return plain ? std::string{state} : std::string{};
}

/// Waits until the connection can go on; false if that takes too long.
bool wait_for(PGconn* db, PostgresPollingStatusType what,
              std::chrono::steady_clock::time_point end) {
  auto left = std::chrono::duration_cast<milliseconds>(
    end - std::chrono::steady_clock::now());
  auto events = what == PGRES_POLLING_READING ? POLLIN : POLLOUT;
  pollfd it{PQsocket(db), static_cast<short>(events), 0};
  return left.count() > 0 && poll(&it, 1, static_cast<int>(left.count())) > 0;
}

} // namespace

result<postgres_url> parse_postgres_url(const std::string& url,
                                        milliseconds connect_timeout) {
  // What libpq says of a bad URL repeats parts of it: nobody may see that.
  std::unique_ptr<PQconninfoOption, void (*)(PQconninfoOption*)> all{
    PQconninfoParse(url.c_str(), nullptr), PQconninfoFree};
  if (!all || url.find('\0') != std::string::npos)
    return failure{ec::store_unusable,
                   "The store's URL is not one that PostgreSQL understands. "
                   "Write postgresql://USER:PASSWORD@HOST:PORT/DATABASE, with "
                   "%XX for special characters in the password."};
  settings given;
  postgres_url out;
  for (auto* option = all.get(); option->keyword != nullptr; ++option) {
    if (option->val == nullptr)
      continue;
    given[option->keyword] = option->val;
    if (is_secret(option->keyword) && *option->val != '\0')
      out.secrets.emplace_back(option->val);
  }
  out.where = name_place(given);
  given.merge(defaults(connect_timeout));
  given["client_encoding"] = "UTF8";
  for (const auto& [keyword, x] : given)
    out.conninfo += quoted(keyword, x);
  return out;
}

std::string without_secrets(std::string text, const postgres_url& url) {
  for (const auto& secret : url.secrets)
    for (auto pos = text.find(secret); pos != std::string::npos;
         pos = text.find(secret, pos + 3))
      text.replace(pos, secret.size(), "***");
  return text;
}

std::string ask_why_refused(const postgres_url& url, milliseconds timeout) {
  auto end = std::chrono::steady_clock::now() + timeout;
  std::unique_ptr<PGconn, void (*)(PGconn*)> db{
    PQconnectStart(url.conninfo.c_str()), PQfinish};
  if (!db || PQstatus(db.get()) == CONNECTION_BAD)
    return {};
  // Codes instead of words, which depend on the server's language.
  PQsetErrorVerbosity(db.get(), PQERRORS_SQLSTATE);
  auto next = PGRES_POLLING_WRITING;
  while (next == PGRES_POLLING_READING || next == PGRES_POLLING_WRITING) {
    if (!wait_for(db.get(), next, end))
      return {};
    next = PQconnectPoll(db.get());
  }
  if (next == PGRES_POLLING_OK)
    return {};
  if (PQconnectionNeedsPassword(db.get()) != 0)
    return "28P01";
  return state_at_end(PQerrorMessage(db.get()));
}

} // namespace leasehold
