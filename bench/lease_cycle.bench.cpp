// Question: what does the engine add to the rows of a lease?
// Workload: acquire and release of leases that need no provider, 256 in flight,
// on SQLite. Floor: the store alone, fed with the same rows in batches of 256.
// Unit: cycles per second. A ratio below 0.6 changes our mind (DESIGN §13).

#include "leasehold/engine.hpp"
#include "storage/store.hpp"

#include <unistd.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <mutex>
#include <string>
#include <vector>

using namespace leasehold;

namespace {

using steady = std::chrono::steady_clock;

constexpr int in_flight = 256;

double rate(int cycles, steady::time_point begin) {
  std::chrono::duration<double> time = steady::now() - begin;
  return cycles / time.count();
}

/// Keeps a number of leases on their way until all have come and gone.
class cycling {
public:
  cycling(engine& what, int cycles) : engine_{what}, left_{cycles} {
    // nop
  }

  void run() {
    auto lanes = std::min(in_flight, left_.load());
    open_ = lanes;
    for (int i = 0; i < lanes; ++i)
      next();
    std::unique_lock guard{mutex_};
    done_.wait(guard, [this] { return open_ == 0; });
  }

private:
  void next() {
    if (left_.fetch_sub(1) <= 0) {
      std::lock_guard guard{mutex_};
      if (--open_ == 0)
        done_.notify_one();
      return;
    }
    engine_.acquire({.environment = "here"}, [this](const result<lease>& x) {
      engine_.release(x.value(), {}, [this](const result<ended_lease>& ended) {
        if (!ended)
          std::abort();
        next();
      });
    });
  }

  engine& engine_;
  std::atomic<int> left_;
  std::mutex mutex_;
  std::condition_variable done_;
  int open_ = 0;
};

double measure_engine(const std::filesystem::path& folder, int cycles) {
  engine it{{.store = (folder / "engine.db").string()}};
  it.put_environment({.name = "here", .driver = "local"}).get().value();
  cycling{it, cycles / 4}.run();
  auto begin = steady::now();
  cycling{it, cycles}.run();
  return rate(cycles, begin);
}

double measure_floor(const std::filesystem::path& folder, int cycles) {
  auto opened = open_sqlite_store((folder / "floor.db").string(), {"floor"},
                                  [] { return timestamp{1}; });
  auto& store = *opened.value();
  auto begin = steady::now();
  for (int done = 0; done < cycles; done += in_flight) {
    std::vector<store_write> batch;
    for (int i = 0; i < in_flight; ++i) {
      insert_lease what;
      what.row.id = {"lease-" + std::to_string(done + i)};
      what.row.status = lease_status::active;
      what.row.provider = "local";
      batch.emplace_back(std::move(what));
    }
    for (int i = 0; i < in_flight; ++i) {
      end_lease what;
      what.lease.id = {"lease-" + std::to_string(done + i)};
      what.from = {lease_status::active};
      what.cleanup = cleanup_status::success;
      batch.emplace_back(std::move(what));
    }
    for (const auto& how : store.apply(batch))
      how.value();
  }
  return rate(cycles, begin);
}

} // namespace

int main(int argc, char** argv) {
  auto cycles = argc > 1 ? std::atoi(argv[1]) : 20'000;
  auto folder = std::filesystem::temp_directory_path()
                / ("leasehold-bench-" + std::to_string(::getpid()));
  std::filesystem::create_directories(folder);
  auto floor = measure_floor(folder, cycles);
  auto engine_rate = measure_engine(folder, cycles);
  std::filesystem::remove_all(folder);
  std::printf("lease cycle, SQLite, %d in flight, %d cycles\n", in_flight,
              cycles);
  std::printf("  floor   %9.0f cycles/s\n", floor);
  std::printf("  engine  %9.0f cycles/s\n", engine_rate);
  std::printf("  ratio   %9.2f\n", engine_rate / floor);
}
