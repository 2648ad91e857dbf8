#pragma once

// One call of the host, and the ways to answer it.

#include "messages/command.hpp"

#include <nlohmann/json.hpp>

#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>

namespace leasehold {

class fd_writer;

} // namespace leasehold

namespace leasehold::kit {

using json = nlohmann::json;

/// The codes of PB §5.7 that a worker uses.
namespace error_code {

inline constexpr int parse_error = -32700;
inline constexpr int invalid_request = -32600;
inline constexpr int unknown_method = -32601;
inline constexpr int invalid_params = -32602;
inline constexpr int worker_error = -32002;
inline constexpr int not_implemented = -32004;
/// Ours: a later fence has been seen for the resource.
inline constexpr int stale_fence = -32090;

} // namespace error_code

/// Thrown by a handler to fail its call with a code of its choice. Any other
/// exception fails it with `worker_error`.
class rpc_error : public std::runtime_error {
public:
  rpc_error(int code, const std::string& message)
    : std::runtime_error{message}, code_{code} {
    // nop
  }

  [[nodiscard]] int code() const noexcept {
    return code_;
  }

private:
  int code_;
};

/// One call of the host. A handle: copies are the same call. It is answered
/// once, further answers are ignored; if the last copy goes without an answer,
/// the call fails. Loop thread only.
class call {
public:
  /// What the host sent, and where the answer goes.
  call(json request, std::weak_ptr<fd_writer> host);

  [[nodiscard]] const std::string& method() const noexcept;

  /// The parameters; always an object.
  [[nodiscard]] const json& params() const noexcept;

  [[nodiscard]] bool answered() const noexcept;

  void reply(const json& result) const;

  /// Has `look` see the result before it goes to the host. What it throws as
  /// `rpc_error` goes in its place.
  void before_reply(std::function<void(const json& result)> look) const;

  void fail(int code, std::string_view message) const;

  /// Sends output of the running command: at most 1 000 000 bytes of UTF-8 that
  /// end between two characters. Nothing once the call is answered.
  void log_output(output_stream stream, std::string_view text) const;

private:
  struct state;

  std::shared_ptr<state> state_;
};

/// One line for the host. Text that is not UTF-8 is repaired.
std::string to_line(const json& message);

} // namespace leasehold::kit
