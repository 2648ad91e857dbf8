#include "actors/store_runner.hpp"

#include "actors/write_lanes.hpp"

#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

namespace leasehold {

namespace {

/// One thread that does what it is given, in order.
class work_thread {
public:
  work_thread() : thread_{[this] { run(); }} {
    // nop
  }

  ~work_thread() {
    {
      std::lock_guard guard{mutex_};
      stopping_ = true;
    }
    wake_.notify_one();
    thread_.join();
  }

  work_thread(const work_thread&) = delete;

  work_thread& operator=(const work_thread&) = delete;

  void add(std::function<void()> what) {
    {
      std::lock_guard guard{mutex_};
      todo_.push_back(std::move(what));
    }
    wake_.notify_one();
  }

private:
  void run() {
    std::unique_lock guard{mutex_};
    for (;;) {
      wake_.wait(guard, [this] { return stopping_ || !todo_.empty(); });
      if (todo_.empty())
        return;
      auto what = std::move(todo_.front());
      todo_.pop_front();
      guard.unlock();
      what();
      // What it holds must not outlive its turn.
      what = nullptr;
      guard.lock();
    }
  }

  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::function<void()>> todo_;
  bool stopping_ = false;
  std::thread thread_;
};

void write_all(store& where, write_queue& from,
               const std::function<void(write_outcomes)>& then) {
  for (auto batch = from.take(); !batch.empty(); batch = from.take()) {
    auto outcomes = from.lane() == write_lanes::others
                      ? where.apply(batch)
                      : where.apply_beside(batch);
    // Nobody may get the answer of another.
    outcomes.resize(batch.size(),
                    failure{ec::internal, "The store left this out.", {}});
    then({std::move(outcomes)});
  }
}

class store_threads : public store_runner {
public:
  explicit store_threads(std::shared_ptr<store> what)
    : store_{std::move(what)} {
    if (store_->writes_beside())
      grants_writer_.emplace();
  }

  void write(std::shared_ptr<write_queue> from,
             std::function<void(write_outcomes)> then) override {
    auto& by = from->lane() == write_lanes::others ? writer_ : *grants_writer_;
    by.add([this, from = std::move(from), then = std::move(then)] {
      write_all(*store_, *from, then);
    });
  }

  [[nodiscard]] bool writes_beside() const override {
    return store_->writes_beside();
  }

  void read(store_query question,
            std::function<void(result<store_answer>)> then) override {
    reader_.add([this, question = std::move(question), then = std::move(then)] {
      then(store_->read(question));
    });
  }

private:
  std::shared_ptr<store> store_;
  work_thread writer_;
  /// Only where a store can use it.
  std::optional<work_thread> grants_writer_;
  work_thread reader_;
};

class inline_runner : public store_runner {
public:
  explicit inline_runner(std::shared_ptr<store> what)
    : store_{std::move(what)} {
    // nop
  }

  void write(std::shared_ptr<write_queue> from,
             std::function<void(write_outcomes)> then) override {
    write_all(*store_, *from, then);
  }

  void read(store_query question,
            std::function<void(result<store_answer>)> then) override {
    then(store_->read(question));
  }

private:
  std::shared_ptr<store> store_;
};

} // namespace

std::unique_ptr<store_runner> make_store_threads(std::shared_ptr<store> what) {
  return std::make_unique<store_threads>(std::move(what));
}

std::unique_ptr<store_runner> make_inline_runner(std::shared_ptr<store> what) {
  return std::make_unique<inline_runner>(std::move(what));
}

} // namespace leasehold
