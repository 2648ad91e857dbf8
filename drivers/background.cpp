#include "drivers/background.hpp"

#include "drivers/io_loop.hpp"

#include <utility>

namespace leasehold {

background::background(io_loop& loop)
  : loop_{loop}, thread_{[this] { work(); }} {
  // nop
}

background::~background() {
  {
    std::lock_guard guard{mutex_};
    stopping_ = true;
  }
  changed_.notify_one();
  thread_.join();
}

void background::run(std::function<follow_up()> job) {
  {
    std::lock_guard guard{mutex_};
    jobs_.push_back(std::move(job));
  }
  changed_.notify_one();
}

void background::work() {
  std::unique_lock lock{mutex_};
  for (;;) {
    changed_.wait(lock, [this] { return stopping_ || !jobs_.empty(); });
    if (stopping_)
      return;
    auto job = std::move(jobs_.front());
    jobs_.pop_front();
    lock.unlock();
    loop_.post(job());
    job = nullptr;
    lock.lock();
  }
}

} // namespace leasehold
