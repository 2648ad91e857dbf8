#include "drivers/pid_watch.hpp"

#include "drivers/io_loop_impl.hpp"
#include "drivers/unique_fd.hpp"

#include <sys/syscall.h>
#include <unistd.h>

#include <utility>

namespace leasehold {

void when_gone(io_loop& loop, int64_t pid, std::function<void()> what) {
  namespace posix = boost::asio::posix;
  unique_fd watch{
    static_cast<int>(::syscall(SYS_pidfd_open, static_cast<pid_t>(pid), 0u))};
  if (!watch)
    return loop.post(std::move(what));
  auto descriptor = std::make_shared<posix::stream_descriptor>(
    *loop.internals().context, watch.release());
  descriptor->async_wait(
    posix::descriptor_base::wait_read,
    [descriptor, what = std::move(what)](const auto&) { what(); });
}

} // namespace leasehold
