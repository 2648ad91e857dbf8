#pragma once

// The questions about secrets that a SQLite store answers.

#include "messages/store.hpp"
#include "storage/sqlite.hpp"

#include <string>

namespace leasehold {

/// Answers from what has been committed. Errors of the database are thrown as
/// `sqlite::error`.
class sqlite_secret_reads {
public:
  explicit sqlite_secret_reads(sqlite::connection& db);

  result<store_answer> read(const get_secret& x);
  result<store_answer> read(const list_secrets& x);
  result<store_answer> read(const list_secret_bindings& x);
  result<store_answer> read(const find_secrets& x);
  result<store_answer> read(const get_sealed_sample& x);
  result<store_answer> read(const list_secret_accesses& x);

private:
  secret_facts facts_about(const secret_request& x);

  sqlite::statement get_;
  sqlite::statement list_;
  sqlite::statement bindings_;
  sqlite::statement facts_;
  sqlite::statement sample_;
  sqlite::statement accesses_;
};

} // namespace leasehold
