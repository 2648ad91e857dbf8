// The PostgreSQL store: the contract of stores, and what only a server can do.

#include "storage/postgres_store.hpp"

#include "tests/store_contract.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/postgres_server.hpp"

#include <memory>
#include <span>
#include <utility>
#include <vector>

using namespace leasehold;
using namespace leasehold::test;

namespace {

/// Writes in both lanes in turns.
class alternating_store : public store {
public:
  explicit alternating_store(std::unique_ptr<store> what)
    : what_{std::move(what)} {
    // nop
  }

  std::vector<result<written>>
  apply(std::span<const store_write> batch) override {
    beside_ = !beside_;
    return beside_ ? what_->apply_beside(batch) : what_->apply(batch);
  }

  result<store_answer> read(const store_query& question) override {
    return what_->read(question);
  }

private:
  std::unique_ptr<store> what_;
  bool beside_ = false;
};

/// Runs one part of the contract on an empty database, in one lane and in two.
void keep(void (*contract)(const store_opener&)) {
  if (postgres_is_missing())
    return;
  auto in_turns = GENERATE(false, true);
  CAPTURE(in_turns);
  postgres_database place;
  contract(
    [&](const instance_id& self, store_clock clock) -> std::unique_ptr<store> {
      auto made
        = open_postgres_store(place.url(), self, {.clock = std::move(clock)});
      INFO(made.error().message << " " << made.error().detail);
      REQUIRE(made.has_value());
      if (!in_turns)
        return std::move(made).value();
      return std::make_unique<alternating_store>(std::move(made).value());
    });
}

} // namespace

TEST_CASE("postgres_store: grants keep the contract", "[postgres_store]") {
  keep(check_grants);
}

TEST_CASE("postgres_store: ends keep the contract", "[postgres_store]") {
  keep(check_ends);
}

TEST_CASE("postgres_store: claims keep the contract", "[postgres_store]") {
  keep(check_claims);
}

TEST_CASE("postgres_store: cleanups keep the contract", "[postgres_store]") {
  keep(check_cleanups);
}

TEST_CASE("postgres_store: batches keep the contract", "[postgres_store]") {
  keep(check_batches);
}

TEST_CASE("postgres_store: lists keep the contract", "[postgres_store]") {
  keep(check_lease_lists);
}

TEST_CASE("postgres_store: re-attachment keeps the contract",
          "[postgres_store]") {
  keep(check_reattachment);
}

TEST_CASE("postgres_store: parking times keep the contract",
          "[postgres_store]") {
  keep(check_parking_time);
}

TEST_CASE("postgres_store: late resources keep the contract",
          "[postgres_store]") {
  keep(check_late_resources);
}

TEST_CASE("postgres_store: confirmations keep the contract",
          "[postgres_store]") {
  keep(check_confirmations);
}

TEST_CASE("postgres_store: survey lists keep the contract",
          "[postgres_store]") {
  keep(check_survey_lists);
}

TEST_CASE("postgres_store: pruning keeps the contract", "[postgres_store]") {
  keep(check_pruning);
}

TEST_CASE("postgres_store: history keeps the contract", "[postgres_store]") {
  keep(check_history);
}

TEST_CASE("postgres_store: environments keep the contract",
          "[postgres_store]") {
  keep(check_environments);
}

TEST_CASE("postgres_store: plugins keep the contract", "[postgres_store]") {
  keep(check_plugins);
}

TEST_CASE("postgres_store: secrets keep the contract", "[postgres_store]") {
  keep(check_secrets);
}

TEST_CASE("postgres_store: an environment's secrets keep the contract",
          "[postgres_store]") {
  keep(check_secrets_of_environments);
}
