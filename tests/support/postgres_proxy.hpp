#pragma once

// Stands between a store and its PostgreSQL server, and fails when a test says
// so.

#include "tests/support/temp_dir.hpp"

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace leasehold::test {

class postgres_proxy {
public:
  /// What becomes of something that a client sends.
  enum class act {
    pass,
    /// The server never sees it, and both connections end.
    drop,
    /// The server answers, the client never hears it, and both connections end.
    drop_answer,
    /// The client's connection ends; the server hears nothing more.
    leave_server,
  };

  using rule = std::function<act(std::string_view)>;

  /// Stands before the server whose socket is in this directory.
  explicit postgres_proxy(const std::string& server_directory);
  ~postgres_proxy();

  postgres_proxy(const postgres_proxy&) = delete;
  postgres_proxy& operator=(const postgres_proxy&) = delete;

  /// A URL for this database, by way of the proxy.
  [[nodiscard]] std::string url(const std::string& database) const;

  /// From now on asks `what` about everything that clients send.
  void set(rule what);

  /// Does this with the first thing that has `text` in it. Calls `first` before
  /// anything else, if given.
  void once(std::string text, act what, std::function<void()> first = {});

  /// Whether what `once` waits for has come.
  [[nodiscard]] bool done() const {
    return *done_;
  }

  /// Refuses new connections from now on, or takes them again.
  void refuse(bool on) {
    refusing_ = on;
  }

  /// Ends every connection that there is.
  void cut();

private:
  struct pair {
    int client = -1;
    int server = -1;
    /// The answer is not for the client.
    bool deaf = false;
  };

  void run();
  void accept_one();
  bool serve(pair& x, short client_events, short server_events);
  bool from_client(pair& x);
  bool from_server(pair& x) const;

  temp_dir dir_;
  std::string target_;
  int listener_ = -1;
  int wake_ = -1;
  std::atomic<bool> stopping_ = false;
  std::atomic<bool> refusing_ = false;
  std::atomic<bool> cutting_ = false;
  std::mutex mutex_;
  rule rule_;
  std::shared_ptr<std::atomic<bool>> done_
    = std::make_shared<std::atomic<bool>>(false);
  std::vector<pair> pairs_;
  std::vector<int> left_;
  std::thread thread_;
};

} // namespace leasehold::test
