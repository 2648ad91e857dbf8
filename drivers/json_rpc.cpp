#include "drivers/json_rpc.hpp"

#include "drivers/json_value.hpp"
#include "drivers/utf8.hpp"
#include "messages/json_text_scan.hpp"

#include <nlohmann/json.hpp>

namespace leasehold::rpc {

namespace {

using nlohmann::json;

/// Texts from a child may hold anything; JSON that we write may not.
std::string dump(const json& x) {
  return x.dump(-1, ' ', false, json::error_handler_t::replace);
}

json_text object_of(const json& x, const char* key) {
  auto pos = x.find(key);
  return pos == x.end() ? json_text{} : json_text{dump(*pos)};
}

any_message read_response(const json& x) {
  const auto& id = x["id"];
  // Our ids are integers; an answer to anything else is not ours.
  if (!id.is_number_integer())
    return garbage{"response with id " + dump(id)};
  response out;
  out.id = id.get<int64_t>();
  auto error = x.find("error");
  if (error == x.end() || error->is_null()) {
    out.result = object_of(x, "result");
    return out;
  }
  out.error_code = -32099;
  if (error->is_object()) {
    auto code = error->find("code");
    if (code != error->end() && code->is_number_integer())
      out.error_code = code->get<int64_t>();
    out.error_message = text_of(*error, "message");
  }
  if (out.error_message.empty())
    out.error_message = dump(*error);
  return out;
}

any_message classify(const json& x) {
  if (!x.is_object())
    return garbage{"Message must be a JSON object"};
  if (text_of(x, "jsonrpc") != "2.0")
    return garbage{"Invalid or missing jsonrpc version (expected \"2.0\")"};
  auto has_id = x.contains("id") && !x["id"].is_null();
  if (has_id && (x.contains("result") || x.contains("error")))
    return read_response(x);
  auto method = text_of(x, "method");
  if (method.empty())
    return garbage{"neither a response nor a method"};
  auto scope = text_of(x, "paperclipInvocationId");
  if (has_id)
    return request{dump(x["id"]), std::move(method), object_of(x, "params"),
                   std::move(scope)};
  return notification{std::move(method), object_of(x, "params"),
                      std::move(scope)};
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
  out += dump(json(method));
  out += R"(,"params":)";
  out += params.text;
  if (scope) {
    json envelope{{"id", scope->id},
                  {"scope", {{"companyId", scope->company}}}};
    out += R"(,"paperclipInvocation":)";
    out += dump(envelope);
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
  json error{{"code", code}, {"message", message}};
  std::string out = R"({"jsonrpc":"2.0","id":)";
  out += worker_id;
  out += R"(,"error":)";
  out += dump(error);
  out += "}\n";
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
  if (nests_deeper(line, json_depth_max))
    return garbage{"JSON nested too deeply"};
  auto parsed = json::parse(line, nullptr, false);
  if (parsed.is_discarded())
    parsed = json::parse(without_lone_surrogates(line), nullptr, false);
  if (parsed.is_discarded())
    return garbage{"Invalid JSON"};
  return classify(parsed);
}

std::optional<int64_t> response_id_of(std::string_view head) {
  return leading_integer(head, "id", "method");
}

std::optional<log_chunk> parse_log_chunk(const json_text& params) {
  constexpr size_t chunk_max = 1'000'000;
  auto x = json::parse(params.text, nullptr, false);
  if (!x.is_object())
    return std::nullopt;
  auto stream = text_of(x, "stream");
  if (stream != "stdout" && stream != "stderr")
    return std::nullopt;
  auto text = text_of(x, "chunk");
  if (text.empty() || utf16_length(text) > chunk_max)
    return std::nullopt;
  return log_chunk{stream == "stderr", std::move(text)};
}

std::string parse_log_line(const json_text& params) {
  auto x = json::parse(params.text, nullptr, false);
  if (!x.is_object())
    return {};
  auto level = text_of(x, "level");
  auto text = text_of(x, "message").substr(0, 10'000);
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
