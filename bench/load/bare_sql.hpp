#pragma once

// The floor of everything that is durable: the rows of a lease cycle, written
// by plain SQL in batches, as somebody would who writes nothing else.
//
// What is counted: for each cycle one row of `leases`, inserted as `active` and
// later updated to `released`, and two lines of `lease_events`; the insert and
// the update are commits of their own, because the promises need them (the
// lease is on disk before anybody is told of it, and so is its end). Values are
// copied from a lease that the engine wrote into the same tables, so that rows
// and indexes are the same. What is not counted is what the engine writes once
// a batch: its fence counter and its mark.

#include "bench/load/pacing.hpp"
#include "bench/load/scenario.hpp"

#include <cstdint>
#include <deque>
#include <memory>
#include <random>
#include <string>

namespace leasehold::bench {

/// What a lease of the engine looks like.
struct lease_sample {
  std::string company;
  std::string environment;
  std::string policy;
  std::string provider;
  std::string resource;
  bool exclusive = false;
  std::string owner;
  std::string fingerprint;
  std::string metadata;
  std::string plugin;
};

/// A lease of the floor that has not ended.
struct bare_lease {
  std::string id;
  int64_t seq = 0;
  int64_t fence = 0;
};

class bare_sql {
public:
  virtual ~bare_sql() = default;

  /// One transaction: begins so many leases, and ends the oldest that live.
  void write(size_t begun, size_t ended);

  /// Ended leases that only take room; without history.
  virtual void grow(size_t count) = 0;

  /// Leases whose resources wait for the next run: copies of one that is
  /// parked.
  virtual void park(size_t count) = 0;

  /// Lines of history and leases that are there.
  virtual int64_t number(const std::string& sql) = 0;

  [[nodiscard]] size_t live() const noexcept {
    return live_.size();
  }

protected:
  virtual void begin_transaction() = 0;
  virtual void commit() = 0;
  virtual void insert(std::deque<bare_lease>& fresh) = 0;
  virtual void end(const std::deque<bare_lease>& old) = 0;

  lease_sample sample_;

private:
  std::deque<bare_lease> live_;
  std::mt19937_64 dice_{11};
  int64_t last_fence_ = 1'000'000;
};

/// On a database that an engine has written a released lease into, and that it
/// has left.
std::unique_ptr<bare_sql> open_bare_sql(const store_place& where);
std::unique_ptr<bare_sql> open_bare_sqlite(const std::string& path);
std::unique_ptr<bare_sql> open_bare_postgres(const std::string& url);

/// Has an engine write its tables and one lease of the environment `box` into a
/// fresh database.
void prepare_by_engine(const store_place& where);

/// So many leases begun in one transaction and ended in the next, for so long.
load_result bare_cycles(bare_sql& with, size_t batch, double seconds);

} // namespace leasehold::bench
