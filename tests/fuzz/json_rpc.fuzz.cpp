// The codec of the plugin worker protocol. Input: what a worker prints.

#include "drivers/json_rpc.hpp"

#include "drivers/host_methods.hpp"
#include "messages/json_members.hpp"
#include "messages/json_text_scan.hpp"
#include "tests/fuzz/fuzzing.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>

namespace leasehold::fuzz {

namespace {

using nlohmann::json;

bool is_one_line(const std::string& text) {
  return std::count(text.begin(), text.end(), '\n') == 1
         && text.ends_with('\n');
}

/// What we write is one line of JSON, whatever we were told.
json read_back(const std::string& line) {
  must(is_one_line(line), "an encoded message is one line");
  auto parsed = json::parse(line, nullptr, false);
  must(parsed.is_object(), "an encoded message is a JSON object");
  return parsed;
}

void look_into(const json_text& params) {
  if (auto chunk = rpc::parse_log_chunk(params))
    must(!chunk->text.empty() && is_utf8(chunk->text),
         "a chunk of output is text");
  must(is_utf8(rpc::parse_log_line(params)), "a line of a log is text");
  (void)rpc::parse_initialized(params);
  (void)rpc::parse_secret_question(params);
  (void)rpc::capabilities_of(params);
}

/// The parameters or the result of a message that was read.
void look_into_part(const json_text& part) {
  must(json::accept(part.text), "what is passed on of a message is JSON");
  look_into(part);
}

/// Answers go to whom they are for.
void answer(const rpc::request& what) {
  auto id = json::parse(what.id);
  auto good = read_back(rpc::encode_result(what.id, R"({"a":1})"));
  must(good["id"] == id, "a result has the id of its request");
  auto bad = read_back(rpc::encode_error(what.id, -32601, what.method));
  must(bad["id"] == id, "an error has the id of its request");
  must(bad["error"]["code"] == -32601, "an error has its code");
}

void check(const rpc::response& what, std::string_view line) {
  look_into_part(what.result);
  if (what.error_code)
    (void)rpc::failure_of("environmentExecute", what);
  // The key may be there twice, or spelled with escapes.
  auto once = line.find("\"id\"") == line.rfind("\"id\"")
              && line.find('\\') == std::string_view::npos;
  auto early = rpc::response_id_of(line);
  must(!early || !once || *early == what.id,
       "the id that is read off the beginning is the one of the message");
}

void check(const rpc::request& what, std::string_view) {
  must(!what.method.empty(), "a request has a method");
  look_into_part(what.params);
  answer(what);
}

void check(const rpc::notification& what, std::string_view) {
  must(!what.method.empty(), "a notification has a method");
  look_into_part(what.params);
}

void check(const rpc::garbage& what, std::string_view) {
  must(!what.why.empty(), "garbage is called by its name");
}

/// What we ask arrives as we mean it.
void ask(std::string_view text) {
  rpc::invocation scope{std::string{text}, std::string{text}};
  auto sent
    = read_back(rpc::encode_request(7, text, json_text{R"({"x":1})"}, scope));
  must(sent["id"] == 7 && sent["params"]["x"] == 1,
       "a request says what it was told to say");
  if (is_utf8(text))
    must(sent["method"] == text
           && sent["paperclipInvocation"]["scope"]["companyId"] == text,
         "texts arrive as they were");
  auto start = rpc::initialize_params(json_text{std::string{text}}, text, "1");
  must(json::accept(start.text), "`initialize` is JSON whatever the manifest");
}

void check_member(const json_members& all, const std::string& key,
                  const json& value) {
  auto text = all.find(key);
  must(json::parse(text, nullptr, false) == value,
       "a member's text is what a parser finds there");
  must(string_of(text) == (value.is_string() ? value.get<std::string>() : ""),
       "a string is read as a parser reads it");
  must(value.is_number_integer() || !integer_of(text),
       "only integers are read as such");
  must(!integer_of(text) || *integer_of(text) == value.get<int64_t>(),
       "an integer is the one that is written there");
}

/// What is read without a parser is what a parser reads. What is stored has
/// been written by us, and is read like that.
void cut_up(std::string_view text) {
  auto parsed = json::parse(text, nullptr, false);
  auto plain = json_members::plain(text);
  must(!plain || parsed.is_object(), "what is taken for an object is one");
  if (!parsed.is_object() || nests_deeper(text, json_depth_max))
    return;
  auto all = json_members::of(text);
  for (const auto& x : all)
    must(parsed.contains(x.key), "no member is made up");
  for (const auto& [key, value] : parsed.items())
    check_member(all, key, value);
  // Escapes for all that is not ASCII: not as plain.
  auto spelled = parsed.dump(-1, ' ', true);
  must(rpc::parse_line(text).index() == rpc::parse_line(spelled).index(),
       "a message is what it is, however it is spelled");
}

} // namespace

void try_input(std::string_view input) {
  auto message = rpc::parse_line(input);
  std::visit([&](const auto& x) { check(x, input); }, message);
  look_into(json_text{std::string{input}});
  (void)rpc::response_id_of(input);
  cut_up(input);
  auto whole = without_lone_surrogates(input);
  must(without_lone_surrogates(whole) == whole, "mending twice mends no more");
  if (input.size() < 512)
    ask(input);
}

} // namespace leasehold::fuzz
