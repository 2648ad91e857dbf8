#pragma once

// JSON-RPC 2.0, one object per line, as the engine speaks it with plugin
// workers (PB §5.2, §5.3).

#include "messages/result.hpp"
#include "messages/values.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace leasehold::rpc {

// -- what we send -------------------------------------------------------------

/// The scope that a call runs in: travels beside its parameters and comes back
/// with what the worker says while it handles the call.
struct invocation {
  std::string id;
  std::string company;
};

/// A request line, newline included. `params` must be the text of a JSON
/// object and is spliced in as it is.
std::string encode_request(int64_t id, std::string_view method,
                           const json_text& params,
                           const std::optional<invocation>& scope);

/// The answer to a worker's own request. `worker_id` is the id as it came.
std::string encode_result(std::string_view worker_id, std::string_view result);
std::string encode_error(std::string_view worker_id, int code,
                         std::string_view message);

/// The parameters of `initialize` (PB §5.4).
json_text initialize_params(const json_text& manifest,
                            std::string_view instance,
                            std::string_view host_version);

// -- what we read -------------------------------------------------------------

/// An answer to one of our calls.
struct response {
  int64_t id = 0;
  /// The result; an error if `error_code` is set.
  json_text result;
  std::optional<int64_t> error_code;
  std::string error_message;
};

/// Something the worker asks of us. `id` is the text to answer with.
struct request {
  std::string id;
  std::string method;
  json_text params;
  std::string invocation;
};

/// Something the worker tells us.
struct notification {
  std::string method;
  json_text params;
  std::string invocation;
};

/// A line that is none of these, and why.
struct garbage {
  std::string why;
};

using any_message = std::variant<response, request, notification, garbage>;

/// Reads one line. Never fails: what cannot be read is garbage.
any_message parse_line(std::string_view line);

/// The id of a response, read off the beginning of a line that is too long to
/// be parsed.
std::optional<int64_t> response_id_of(std::string_view head);

// -- what is inside -----------------------------------------------------------

/// `execute.log`: a piece of a command's output.
struct log_chunk {
  bool is_stderr = false;
  std::string text;
};

/// Reads the parameters of `execute.log`; nothing if they break its rules
/// (PB §5.9).
std::optional<log_chunk> parse_log_chunk(const json_text& params);

/// `log`: `<level>: <message>`; empty if there is no message.
std::string parse_log_line(const json_text& params);

/// The answer to `initialize`: the methods that the worker supports, or why it
/// did not initialize.
result<std::vector<std::string>> parse_initialized(const json_text& answer);

/// The code of a worker that refuses a call because its fence is older than one
/// that it has seen for the resource. Ours: the protocol has none for it.
inline constexpr int stale_fence = -32090;

/// What an error reply means for whoever called `method`.
failure failure_of(std::string_view method, const response& reply);

} // namespace leasehold::rpc
