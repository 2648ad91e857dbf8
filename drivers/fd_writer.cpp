#include "drivers/fd_writer.hpp"

#include "drivers/io_loop_impl.hpp"

#include <fcntl.h>

#include <utility>
#include <vector>

namespace leasehold {

namespace {

class loop_fd_writer final
  : public fd_writer,
    public std::enable_shared_from_this<loop_fd_writer> {
public:
  loop_fd_writer(io_loop& loop, std::function<void()> on_broken)
    : stream_{std::make_shared<stream_writer>(loop.internals().context)},
      on_broken_{std::move(on_broken)} {
    // nop
  }

  ~loop_fd_writer() override {
    stream_->finish();
  }

  void open(int descriptor) {
    ::fcntl(descriptor, F_SETFL, ::fcntl(descriptor, F_GETFL) | O_NONBLOCK);
    stream_->on_progress([weak = weak_from_this()](bool open) {
      if (auto self = weak.lock())
        self->on_progress(open);
    });
    stream_->open(descriptor);
  }

  void write(std::string bytes) override {
    stream_->write(std::move(bytes));
  }

  [[nodiscard]] size_t unwritten() const override {
    return stream_->unwritten();
  }

  void when_below(size_t limit, std::function<void()> what) override {
    if (unwritten() <= limit)
      what();
    else
      waiting_.push_back({limit, std::move(what)});
  }

private:
  struct waiter {
    size_t limit;
    std::function<void()> what;
  };

  void on_progress(bool open) {
    // A waiter may write, and wait again.
    for (auto& who : std::exchange(waiting_, {}))
      when_below(who.limit, std::move(who.what));
    if (!open)
      if (auto tell = std::exchange(on_broken_, nullptr))
        tell();
  }

  std::shared_ptr<stream_writer> stream_;
  std::function<void()> on_broken_;
  std::vector<waiter> waiting_;
};

} // namespace

std::shared_ptr<fd_writer> make_fd_writer(io_loop& loop, int descriptor,
                                          std::function<void()> on_broken) {
  auto out = std::make_shared<loop_fd_writer>(loop, std::move(on_broken));
  out->open(descriptor);
  return out;
}

} // namespace leasehold
