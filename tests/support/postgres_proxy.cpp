#include "tests/support/postgres_proxy.hpp"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <memory>
#include <stdexcept>
#include <utility>

namespace leasehold::test {

namespace {

sockaddr_un address_of(const std::string& directory) {
  sockaddr_un out{};
  out.sun_family = AF_UNIX;
  auto path = directory + "/.s.PGSQL.5432";
  path.copy(out.sun_path, sizeof out.sun_path - 1);
  return out;
}

int make_socket() {
  return socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
}

bool send_all(int to, std::string_view x) {
  while (!x.empty()) {
    auto size = send(to, x.data(), x.size(), MSG_NOSIGNAL);
    if (size <= 0)
      return false;
    x.remove_prefix(static_cast<size_t>(size));
  }
  return true;
}

void close_if_open(int file) {
  if (file >= 0)
    close(file);
}

} // namespace

postgres_proxy::postgres_proxy(const std::string& server_directory)
  : target_{server_directory}, listener_{make_socket()}, wake_{eventfd(
                                                           0, EFD_CLOEXEC)} {
  auto here = address_of(dir_.path().string());
  if (bind(listener_, reinterpret_cast<sockaddr*>(&here), sizeof here) != 0
      || listen(listener_, 16) != 0)
    throw std::runtime_error{"the proxy cannot listen"};
  thread_ = std::thread{[this] { run(); }};
}

postgres_proxy::~postgres_proxy() {
  stopping_ = true;
  cut();
  thread_.join();
  for (const auto& x : pairs_) {
    close_if_open(x.client);
    close_if_open(x.server);
  }
  for (auto file : left_)
    close(file);
  close(listener_);
  close(wake_);
}

std::string postgres_proxy::url(const std::string& database) const {
  return "postgresql://postgres@/" + database + "?host=" + dir_.path().string();
}

void postgres_proxy::set(rule what) {
  std::lock_guard guard{mutex_};
  rule_ = std::move(what);
}

void postgres_proxy::once(std::string text, act what,
                          std::function<void()> first) {
  auto done = std::make_shared<std::atomic<bool>>(false);
  done_ = done;
  set([=](std::string_view said) {
    if (*done || said.find(text) == std::string_view::npos)
      return act::pass;
    *done = true;
    if (first)
      first();
    return what;
  });
}

void postgres_proxy::cut() {
  cutting_ = true;
  uint64_t one = 1;
  [[maybe_unused]] auto told = write(wake_, &one, sizeof one);
}

void postgres_proxy::run() {
  while (!stopping_) {
    std::vector<pollfd> files{{wake_, POLLIN, 0}, {listener_, POLLIN, 0}};
    for (const auto& x : pairs_) {
      files.push_back({x.client, POLLIN, 0});
      files.push_back({x.server, POLLIN, 0});
    }
    if (poll(files.data(), files.size(), -1) < 0)
      continue;
    for (size_t i = 0; i < pairs_.size(); ++i)
      if (cutting_
          || !serve(pairs_[i], files[2 + 2 * i].revents,
                    files[3 + 2 * i].revents)) {
        close_if_open(pairs_[i].client);
        close_if_open(pairs_[i].server);
        pairs_[i] = {};
      }
    std::erase_if(pairs_, [](const auto& x) { return x.client < 0; });
    if (files[0].revents != 0) {
      uint64_t count = 0;
      [[maybe_unused]] auto taken = read(wake_, &count, sizeof count);
      cutting_ = false;
    }
    if (files[1].revents != 0)
      accept_one();
  }
}

void postgres_proxy::accept_one() {
  pair fresh;
  fresh.client = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
  fresh.server = make_socket();
  auto there = address_of(target_);
  if (!refusing_
      && connect(fresh.server, reinterpret_cast<sockaddr*>(&there),
                 sizeof there)
           == 0) {
    pairs_.push_back(fresh);
    return;
  }
  close_if_open(fresh.client);
  close_if_open(fresh.server);
}

bool postgres_proxy::serve(pair& x, short client_events, short server_events) {
  return (client_events == 0 || from_client(x))
         && (server_events == 0 || from_server(x));
}

bool postgres_proxy::from_client(pair& x) {
  char buffer[65536];
  auto size = recv(x.client, buffer, sizeof buffer, 0);
  if (size <= 0)
    return false;
  std::string_view said{buffer, static_cast<size_t>(size)};
  auto what = act::pass;
  {
    std::lock_guard guard{mutex_};
    if (rule_)
      what = rule_(said);
  }
  switch (what) {
    case act::drop:
      return false;
    case act::leave_server:
      left_.push_back(std::exchange(x.server, -1));
      return false;
    case act::drop_answer:
      x.deaf = true;
      [[fallthrough]];
    default:
      return send_all(x.server, said);
  }
}

bool postgres_proxy::from_server(pair& x) const {
  char buffer[65536];
  auto size = recv(x.server, buffer, sizeof buffer, 0);
  if (size <= 0 || x.deaf)
    return false;
  return send_all(x.client, {buffer, static_cast<size_t>(size)});
}

} // namespace leasehold::test
