// What becomes of a placement when nobody knows whether the store has written
// its row. The simulator drew attention to these.

#include "tests/support/catch.hpp"
#include "tests/support/stage.hpp"

#include <deque>
#include <utility>

using namespace leasehold;
using namespace leasehold::test;
using namespace std::chrono_literals;

namespace {

enum class mood { well, away, written_unknown, unwritten_unknown };

/// A store that is as well as the test wants it to be, write by write.
class moody_store : public store {
public:
  explicit moody_store(std::unique_ptr<store> real) : real_{std::move(real)} {
    // nop
  }

  std::vector<result<written>>
  apply(std::span<const store_write> batch) override {
    auto now = mood::well;
    if (!moods.empty()) {
      now = moods.front();
      moods.pop_front();
    }
    using outcomes = std::vector<result<written>>;
    if (now == mood::away)
      return outcomes(batch.size(), failure{ec::store_unavailable, "Away."});
    if (now == mood::unwritten_unknown)
      return outcomes(batch.size(), failure{ec::commit_unknown, "Who knows?"});
    auto how = real_->apply(batch);
    if (now == mood::written_unknown)
      return outcomes(batch.size(), failure{ec::commit_unknown, "Who knows?"});
    return how;
  }

  result<store_answer> read(const store_query& question) override {
    return real_->read(question);
  }

  /// What it is like for the next writes.
  std::deque<mood> moods;

private:
  std::unique_ptr<store> real_;
};

/// A play whose store is moody.
struct doubtful_play {
  temp_dir folder;
  std::shared_ptr<moody_store> moody;
  stage play{
    {}, {[this](const instance_id& self, store_clock clock) {
      moody = std::make_shared<moody_store>(
        open_sqlite_store(folder / "moody.db", self, std::move(clock)).value());
      return moody;
    }}};
};

} // namespace

TEST_CASE_METHOD(doubtful_play,
                 "placement: a grant whose commit is unknown is read back",
                 "[placement]") {
  moody->moods = {mood::well, mood::written_unknown};
  auto got = play.acquire("run-1");
  play.pass(5s);
  REQUIRE(got->value);
  CHECK(play.rows().front().status == lease_status::active);
  auto ended = play.release(*got->value);
  REQUIRE(ended->value);
  CHECK(play.rows().front().status == lease_status::released);
}

TEST_CASE_METHOD(doubtful_play,
                 "placement: a grant that was not written ends its row",
                 "[placement]") {
  moody->moods = {mood::well, mood::unwritten_unknown};
  auto got = play.acquire("run-1");
  play.pass(5s);
  CHECK(got->error.code == ec::commit_unknown);
  CHECK(play.rows().front().status == lease_status::failed);
  CHECK(play.rows().front().cleanup == cleanup_status::success);
}

TEST_CASE_METHOD(doubtful_play,
                 "placement: an intent whose commit is unknown is read back",
                 "[placement]") {
  auto how = GENERATE(mood::written_unknown, mood::unwritten_unknown);
  moody->moods = {how};
  auto got = play.acquire("run-1");
  play.pass(5s);
  CHECK(got->value.has_value() == (how == mood::written_unknown));
  for (const auto& row : play.rows())
    CHECK(row.status == lease_status::active);
  CHECK(play.rows().size() == (got->value ? 1 : 0));
}

TEST_CASE_METHOD(doubtful_play,
                 "placement: a lease whose run comes back is read back, too",
                 "[placement][promise-8]") {
  auto how = GENERATE(mood::written_unknown, mood::unwritten_unknown);
  lease_row orphan;
  orphan.id = {"lease-x"};
  orphan.company = {"company-1"};
  orphan.run = {"run-x"};
  orphan.status = lease_status::active;
  orphan.provider = "scripted";
  orphan.resource = {"box-x"};
  orphan.exclusive = true;
  orphan.owner = {"engine-9"};
  orphan.reattach_grace = 30s;
  play.write(insert_lease{.row = orphan});
  auto fence = play.row({"lease-x"}).fence;
  moody->moods = {how};
  auto back
    = play.ask<run_reattached>(play.supervisor, reattach_run{{"run-x"}});
  REQUIRE(back->value);
  if (how == mood::unwritten_unknown) {
    REQUIRE(back->value->errors.size() == 1);
    CHECK(back->value->errors.front().code == ec::commit_unknown);
    // Nothing has happened: it may come back again.
    back = play.ask<run_reattached>(play.supervisor, reattach_run{{"run-x"}});
  }
  REQUIRE(back->value->leases.size() == 1);
  const auto& lease = back->value->leases.front();
  CHECK(lease.handle.fence > fence);
  CHECK(play.execute(lease, "make")->value);
  CHECK(play.release(lease)->value);
  CHECK(play.rows().front().status == lease_status::released);
}

TEST_CASE_METHOD(doubtful_play,
                 "placement: a row that the store could not end is ended later",
                 "[placement]") {
  play.script.acquire_error = {ec::provider_refused, "No."};
  moody->moods = {mood::well, mood::away, mood::away};
  auto got = play.acquire("run-1");
  CHECK_FALSE(got->value);
  play.pass(5s);
  CHECK(got->error.code == ec::provider_refused);
  CHECK(play.rows().front().status == lease_status::failed);
}
