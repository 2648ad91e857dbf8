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
  std::string_view name;
  holds what;
  about whom;
};

/// In the order in which the library reads them, so that we go as deep as it.
constexpr keyword keywords[]{
  {"allOf", holds::list, about::itself},
  {"anyOf", holds::list, about::itself},
  {"contains", holds::one, about::parts},
  {"dependencies", holds::map, about::itself},
  {"additionalItems", holds::one, about::parts},
  {"items", holds::one_or_list, about::parts},
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

bool is_keyword(std::string_view name) {
  return std::any_of(std::begin(keywords), std::end(keywords),
                     [&](const auto& x) { return x.name == name; });
}

/// Members that say where a schema is at home, and what others may refer to.
bool is_left_out(std::string_view name) {
  return name == "$id" || name == "id" || name == "definitions"
         || name == "$defs";
}

/// Some keywords say nothing without another.
bool says_something(std::string_view name, const json& schema) {
  if (name == "then" || name == "else")
    return schema.contains("if");
  auto items = schema.find("items");
  return name != "additionalItems"
         || (items != schema.end() && items->is_array());
}

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
  // The whole, as some write it.
  if (pointer == "/" && !root.contains(""))
    return root;
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

  /// What `tabulate` leaves of the schema. The library reads the root where it
  /// stands, and once more if something refers to it; so do we.
  json document() {
    const auto& root = follow(root_);
    if (!is_schema(root))
      refuse_value(root, pointer{});
    if (root.is_boolean())
      return root;
    entries_.emplace_back();
    depth_ = 1;
    auto out = taken_apart(root, 0, pointer{});
    out["schemas"] = json::array();
    for (auto& x : entries_)
      out["schemas"].push_back(std::move(x.schema));
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
    /// How many are asked in all, once for each way that leads to them.
    size_t questions = 1;
    mark seen = mark::fresh;
  };

  static bool is_schema(const json& x) {
    return x.is_object() || x.is_boolean();
  }

  [[noreturn]] static void refuse_value(const json& x, const pointer& where) {
    refuse("It has no schema at "
           + (where.empty() ? "its root" : where.to_string())
           + ", but a value of type " + x.type_name() + ".");
  }

  [[noreturn]] static void refuse_depth() {
    refuse("Its schemas nest deeper than " + std::to_string(schema_depth_max)
           + " levels.");
  }

  const json& follow(const json& schema) const {
    std::unordered_set<const json*> seen;
    const auto* out = &schema;
    while (out->is_object() && out->contains("$ref")) {
      if (!seen.insert(out).second)
        refuse(in_a_circle);
      if (seen.size() > schema_depth_max)
        refuse_depth();
      out = &target_of(root_, out->at("$ref"));
    }
    return *out;
  }

  size_t number_of(const json& schema, const pointer& where) {
    const auto& meant = follow(schema);
    if (!is_schema(meant))
      refuse_value(meant, where);
    auto [pos, fresh] = numbers_.emplace(&meant, entries_.size());
    auto own = pos->second;
    if (!fresh)
      return own;
    if (depth_ == schema_depth_max)
      refuse_depth();
    ++depth_;
    entries_.emplace_back();
    auto apart = meant.is_object() ? taken_apart(meant, own, where) : meant;
    entries_[own].schema = std::move(apart);
    --depth_;
    return own;
  }

  json taken_apart(const json& schema, size_t own, const pointer& where) {
    auto out = json::object();
    for (const auto& [key, value] : schema.items())
      if (!is_left_out(key) && !is_keyword(key))
        out[key] = value;
    for (const auto& word : keywords) {
      std::string name{word.name};
      auto pos = schema.find(name);
      if (pos != schema.end() && says_something(name, schema))
        out[name] = replaced(*pos, word, own, where / name);
    }
    return out;
  }

  // What a keyword may not hold stays: the library says what is wrong with it.
  json replaced(const json& value, const keyword& word, size_t own,
                const pointer& where) {
    if (word.what == holds::one
        || (word.what == holds::one_or_list && !value.is_array()))
      return part(value, word, own, where);
    if (value.is_array() != (word.what != holds::map) || !value.is_structured())
      return value;
    auto out = value.is_array() ? json::array() : json::object();
    for (const auto& [key, x] : value.items()) {
      auto put = part(x, word, own, where / key);
      if (value.is_array())
        out.push_back(std::move(put));
      else
        out[key] = std::move(put);
    }
    return out;
  }

  json part(const json& schema, const keyword& word, size_t own,
            const pointer& where) {
    // A boolean gets better words where it stands. Of names of properties the
    // library would not see one there.
    if (schema.is_boolean() && word.name != "propertyNames")
      return schema;
    // A list of names.
    if (schema.is_array() && word.name == "dependencies")
      return schema;
    auto number = number_of(schema, where);
    if (word.whom == about::itself)
      entries_[own].asks.push_back(number);
    return {{"$ref", "#/schemas/" + std::to_string(number)}};
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
    for (auto i : x.asks) {
      x.height = std::max(x.height, height_of(entries_[i], open + 1));
      x.questions += entries_[i].questions;
      if (x.questions > questions_max)
        refuse("It asks more than " + std::to_string(questions_max)
               + " times about one and the same value.");
    }
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
