#pragma once

// The questions about secrets that a PostgreSQL store answers.

#include "messages/store.hpp"
#include "storage/postgres.hpp"

namespace leasehold {

/// Answers questions from what has been committed. Errors of the database are
/// thrown as `postgres::error`.
class postgres_secret_reads {
public:
  explicit postgres_secret_reads(postgres::connection& db);

  result<store_answer> read(const get_secret& x);
  result<store_answer> read(const list_secrets& x);
  result<store_answer> read(const list_secret_bindings& x);
  result<store_answer> read(const find_secrets& x);
  result<store_answer> read(const get_sealed_sample& x);
  result<store_answer> read(const list_secret_accesses& x);

private:
  secret_facts facts_about(const secret_request& x);

  postgres::connection& db_;
};

} // namespace leasehold
