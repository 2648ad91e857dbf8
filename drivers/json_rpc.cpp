#include "drivers/json_rpc.hpp"

#include "drivers/utf8.hpp"
#include "messages/json.hpp"
#include "messages/json_members.hpp"
#include "messages/json_text_scan.hpp"

#include <nlohmann/json.hpp>

namespace leasehold::rpc {

namespace {

using nlohmann::json;

/// Texts from a child may hold anything; JSON that we write may not.
std::string dump(const json& x) {
  return x.dump(-1, ' ', false, json::error_handler_t::replace);
}

json_text object_of(const json_members& x, const char* key) {
  auto value = x.find(key);
  return value.empty() ? json_text{} : json_text{std::string{value}};
}

bool is_there(std::string_view value) {
  return !value.empty() && value != "null";
}

any_message read_response(const json_members& x) {
  // Our ids are integers; an answer to anything else is not ours.
  auto id = integer_of(x.find("id"));
  if (!id)
    return garbage{"response with id " + std::string{x.find("id")}};
  response out;
  out.id = *id;
  auto error = x.find("error");
  if (!is_there(error)) {
    out.result = object_of(x, "result");
    return out;
  }
  auto inside = json_members::of(error);
  out.error_code = integer_of(inside.find("code")).value_or(-32099);
  out.error_message = string_of(inside.find("message"));
  if (out.error_message.empty())
    out.error_message = error;
  return out;
}

any_message classify(const json_members& x) {
  if (string_of(x.find("jsonrpc")) != "2.0")
    return garbage{"Invalid or missing jsonrpc version (expected \"2.0\")"};
  auto id = x.find("id");
  auto has_id = is_there(id);
  if (has_id && !(x.find("result").empty() && x.find("error").empty()))
    return read_response(x);
  auto method = string_of(x.find("method"));
  if (method.empty())
    return garbage{"neither a response nor a method"};
  auto scope = string_of(x.find("paperclipInvocationId"));
  if (has_id)
    return request{std::string{id}, std::move(method), object_of(x, "params"),
                   std::move(scope)};
  return notification{std::move(method), object_of(x, "params"),
                      std::move(scope)};
}

/// What is not as plain as most lines, such as a text cut in two.
any_message parse_odd_line(std::string_view line) {
  if (nests_deeper(line, json_depth_max))
    return garbage{"JSON nested too deeply"};
  auto parsed = json::parse(line, nullptr, false);
  if (parsed.is_discarded())
    parsed = json::parse(without_lone_surrogates(line), nullptr, false);
  if (parsed.is_discarded())
    return garbage{"Invalid JSON"};
  if (!parsed.is_object())
    return garbage{"Message must be a JSON object"};
  return classify(json_members::of(dump(parsed)));
}

} // namespace

std::string encode_request(int64_t id, std::string_view method,
                           const json_text& params,
                           const std::optional<invocation>& scope) {
  std::string out;
  out.reserve(params.text.size() + 160);
  out += R"({"jsonrpc":"2.0","id":)";
  out += std::to_string(id);
  out += R"(,"method":)";
  append_json_string(out, method);
  out += R"(,"params":)";
  out += params.text;
  if (scope) {
    out += R"(,"paperclipInvocation":{"id":)";
    append_json_string(out, scope->id);
    out += R"(,"scope":{"companyId":)";
    append_json_string(out, scope->company);
    out += "}}";
  }
  out += "}\n";
  return out;
}

std::string encode_result(std::string_view worker_id, std::string_view result) {
  std::string out = R"({"jsonrpc":"2.0","id":)";
  out += worker_id;
  out += R"(,"result":)";
  out += result;
  out += "}\n";
  return out;
}

std::string encode_error(std::string_view worker_id, int code,
                         std::string_view message) {
  std::string out = R"({"jsonrpc":"2.0","id":)";
  out += worker_id;
  out += R"(,"error":{"code":)";
  out += std::to_string(code);
  out += R"(,"message":)";
  append_json_string(out, message);
  out += "}}\n";
  return out;
}

json_text initialize_params(const json_text& manifest,
                            std::string_view instance,
                            std::string_view host_version) {
  auto parsed = json::parse(manifest.text, nullptr, false);
  json params{
    {"manifest", parsed.is_discarded() ? json::object() : std::move(parsed)},
    {"config", json::object()},
    {"instanceInfo", {{"instanceId", instance}, {"hostVersion", host_version}}},
    {"apiVersion", 1},
    {"databaseNamespace", nullptr},
  };
  return json_text{dump(params)};
}

any_message parse_line(std::string_view line) {
  if (line.empty())
    return garbage{"Empty message"};
  if (auto plain = json_members::plain(line))
    return classify(*plain);
  return parse_odd_line(line);
}

std::optional<int64_t> response_id_of(std::string_view head) {
  return leading_integer(head, "id", "method");
}

std::optional<log_chunk> parse_log_chunk(const json_text& params) {
  constexpr size_t chunk_max = 1'000'000;
  auto x = json_members::of(params.text);
  auto stream = string_of(x.find("stream"));
  if (stream != "stdout" && stream != "stderr")
    return std::nullopt;
  auto text = string_of(x.find("chunk"));
  if (text.empty() || utf16_length(text) > chunk_max)
    return std::nullopt;
  return log_chunk{stream == "stderr", std::move(text)};
}

std::string parse_log_line(const json_text& params) {
  auto x = json_members::of(params.text);
  auto level = string_of(x.find("level"));
  auto text = string_of(x.find("message")).substr(0, 10'000);
  text.resize(without_cut_end(text));
  if (text.empty())
    return {};
  return (level.empty() ? std::string{"info"} : level) + ": " + text;
}

result<std::vector<std::string>> parse_initialized(const json_text& answer) {
  auto x = json::parse(answer.text, nullptr, false);
  auto ok = x.is_object() ? x.find("ok") : x.end();
  if (!x.is_object() || ok == x.end() || !ok->is_boolean() || !ok->get<bool>())
    return failure{ec::worker_lost, "Worker initialize returned ok=false", {}};
  std::vector<std::string> methods;
  auto listed = x.find("supportedMethods");
  if (listed != x.end() && listed->is_array())
    for (const auto& method : *listed)
      if (method.is_string())
        methods.push_back(method.get<std::string>());
  return methods;
}

failure failure_of(std::string_view method, const response& reply) {
  auto code = ec::provider_refused;
  // -32601 METHOD_NOT_FOUND, -32004 METHOD_NOT_IMPLEMENTED (PB §5.7).
  if (reply.error_code == -32601 || reply.error_code == -32004)
    code = ec::not_supported;
  // Ours: the worker has seen a later fence for this resource.
  if (reply.error_code == stale_fence)
    code = ec::stale_lease;
  return {code, reply.error_message,
          "JSON-RPC error " + std::to_string(*reply.error_code) + " from "
            + std::string{method}};
}

} // namespace leasehold::rpc
