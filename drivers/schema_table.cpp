#include "drivers/schema_table.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <charconv>
#include <stdexcept>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

namespace leasehold {

namespace {

using nlohmann::json;

[[noreturn]] void refuse(const std::string& sentence) {
  throw std::invalid_argument{sentence};
}

constexpr const char* in_a_circle = "It leads in a circle.";

// -- keywords -----------------------------------------------------------------

/// How schemas stand at a keyword.
enum class holds : uint8_t { one, list, one_or_list, map };

/// What its schemas speak of: the value itself, or something in it.
enum class about : uint8_t { itself, parts };

struct keyword {
  const char* name;
  holds what;
  about whom;
};

/// In the order in which the library reads them, so that we go as deep as it.
constexpr keyword keywords[]{
  {"allOf", holds::list, about::itself},
  {"anyOf", holds::list, about::itself},
  {"contains", holds::one, about::parts},
  {"dependencies", holds::map, about::itself},
  {"items", holds::one_or_list, about::parts},
  {"additionalItems", holds::one, about::parts},
  {"if", holds::one, about::itself},
  {"then", holds::one, about::itself},
  {"else", holds::one, about::itself},
  {"not", holds::one, about::itself},
  {"oneOf", holds::list, about::itself},
  {"properties", holds::map, about::parts},
  {"patternProperties", holds::map, about::parts},
  {"additionalProperties", holds::one, about::parts},
  {"propertyNames", holds::one, about::parts},
};

/// Members that say where a schema is at home, and what others may refer to.
constexpr const char* not_taken_over[]{"$id", "id", "definitions", "$defs"};

// -- references ---------------------------------------------------------------

std::string percent_decoded(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    auto value = 0u;
    const auto* from = text.data() + i + 1;
    if (text[i] == '%' && i + 2 < text.size()
        && std::from_chars(from, from + 2, value, 16).ptr == from + 2) {
      out += static_cast<char>(value);
      i += 2;
    } else {
      out += text[i];
    }
  }
  return out;
}

/// The name of the whole schema; empty if it has none.
std::string home_of(const json& root) {
  for (const auto* key : {"$id", "id"})
    if (auto id = root.find(key); id != root.end() && id->is_string()) {
      auto name = id->get<std::string>();
      return name.substr(0, name.find('#'));
    }
  return {};
}

const json& target_of(const json& root, const json& reference) {
  if (!reference.is_string())
    refuse("It has a $ref that is no text.");
  auto text = reference.get<std::string>();
  auto hash = std::min(text.find('#'), text.size());
  auto document = text.substr(0, hash);
  if (!document.empty() && document != home_of(root))
    refuse("Its $ref \"" + text + "\" names another document.");
  auto pointer = percent_decoded(
    std::string_view{text}.substr(std::min(hash + 1, text.size())));
  try {
    return root.at(json::json_pointer{pointer});
  } catch (const json::exception&) {
    refuse("Its $ref \"" + text + "\" leads nowhere.");
  }
}

// -- the table ----------------------------------------------------------------

class tabulator {
public:
  explicit tabulator(const json& root) : root_{root} {
    // nop
  }

  /// What `tabulate` leaves of the schema.
  json document() {
    auto out = reference_to(root_, pointer{});
    for (const auto& x : entries_)
      out["schemas"].push_back(x.schema);
    return out;
  }

  size_t height() {
    size_t out = 0;
    for (auto& x : entries_)
      out = std::max(out, height_of(x, 1));
    return out;
  }

private:
  using pointer = json::json_pointer;

  enum class mark : uint8_t { fresh, open, settled };

  struct entry {
    json schema;
    /// Those that it asks about the same value.
    std::vector<size_t> asks;
    size_t height = 0;
    mark seen = mark::fresh;
  };

  const json& follow(const json& schema) const {
    std::unordered_set<const json*> seen;
    const auto* out = &schema;
    while (out->is_object() && out->contains("$ref")) {
      if (!seen.insert(out).second)
        refuse(in_a_circle);
      out = &target_of(root_, out->at("$ref"));
    }
    return *out;
  }

  json reference_to(const json& schema, const pointer& where) {
    return {{"$ref", "#/schemas/" + std::to_string(number_of(schema, where))}};
  }

  size_t number_of(const json& schema, const pointer& where) {
    const auto& meant = follow(schema);
    if (!meant.is_object() && !meant.is_boolean())
      refuse("It has no schema at "
             + (where.empty() ? "its root" : where.to_string())
             + ", but a value of type " + meant.type_name() + ".");
    auto [pos, fresh] = numbers_.emplace(&meant, entries_.size());
    auto own = pos->second;
    if (!fresh)
      return own;
    if (++depth_ > schema_depth_max)
      refuse("Its schemas nest deeper than " + std::to_string(schema_depth_max)
             + " levels.");
    entries_.emplace_back();
    auto apart = meant.is_object() ? taken_apart(meant, own, where) : meant;
    entries_[own].schema = std::move(apart);
    --depth_;
    return own;
  }

  json taken_apart(const json& schema, size_t own, const pointer& where) {
    auto out = schema;
    for (const auto* key : not_taken_over)
      out.erase(key);
    for (const auto& word : keywords)
      if (auto pos = schema.find(word.name); pos != schema.end())
        out[word.name] = replaced(*pos, word, own, where / word.name);
    return out;
  }

  // What a keyword may not hold stays: the library says what is wrong with it.
  json replaced(const json& value, const keyword& word, size_t own,
                const pointer& where) {
    if (word.what == holds::one
        || (word.what == holds::one_or_list && !value.is_array()))
      return part(value, word, own, where);
    auto out = value;
    if (value.is_array() != (word.what != holds::map) || !value.is_structured())
      return out;
    auto pos = out.begin();
    for (const auto& [key, x] : value.items())
      *pos++ = part(x, word, own, where / key);
    return out;
  }

  json part(const json& schema, const keyword& word, size_t own,
            const pointer& where) {
    // A boolean gets better words where it stands. Of names of properties the
    // library would not see one there.
    if (schema.is_boolean() && word.name != std::string_view{"propertyNames"})
      return schema;
    // A list of names.
    if (schema.is_array() && word.name == std::string_view{"dependencies"})
      return schema;
    auto out = reference_to(schema, where);
    if (word.whom == about::itself)
      entries_[own].asks.push_back(number_of(schema, where));
    return out;
  }

  size_t height_of(entry& x, size_t open) {
    if (x.seen == mark::open)
      refuse(in_a_circle);
    if (open > checks_nested_max)
      refuse("More of its schemas speak of one and the same value, one within "
             "another, than "
             + std::to_string(checks_nested_max) + ".");
    if (x.seen == mark::settled)
      return x.height;
    x.seen = mark::open;
    for (auto i : x.asks)
      x.height = std::max(x.height, height_of(entries_[i], open + 1));
    ++x.height;
    x.seen = mark::settled;
    return x.height;
  }

  const json& root_;
  std::vector<entry> entries_;
  std::unordered_map<const json*, size_t> numbers_;
  size_t depth_ = 0;
};

} // namespace

size_t tabulate(json& schema) {
  tabulator parts{schema};
  auto document = parts.document();
  auto height = parts.height();
  schema = std::move(document);
  return height;
}

} // namespace leasehold
