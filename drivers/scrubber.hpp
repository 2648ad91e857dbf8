#pragma once

// Hides secret values in whatever is kept or shown.

#include "messages/result.hpp"
#include "messages/values.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace leasehold {

/// Replaces secret values by `***`, wherever they stand. Immutable.
class scrubber {
public:
  scrubber() = default;

  /// Values of fewer than four bytes are ignored: they stand everywhere. Of a
  /// value of several lines each line of eight bytes or more is hidden, too.
  explicit scrubber(const std::vector<std::string>& values);

  [[nodiscard]] bool empty() const noexcept {
    return needles_.empty();
  }

  /// The text without the values, as they are or as JSON spells them. The
  /// longest value that begins somewhere is the one that goes.
  [[nodiscard]] std::string text(std::string_view x) const;

  /// The same in every text, key and number of a JSON value, however they are
  /// escaped; a text that is an id stays, unless the id is a value. What is no
  /// JSON is treated as text.
  [[nodiscard]] json_text json(const json_text& x) const;

  /// The same, but for what stands at the same place in `given`: that is
  /// nobody's echo.
  [[nodiscard]] json_text added(const json_text& x,
                                const json_text& given) const;

  /// The same, but for these members of an object.
  [[nodiscard]] json_text
  json_but(const json_text& x, const std::vector<std::string>& members) const;

  /// The same in the words of a failure.
  [[nodiscard]] failure error(failure x) const;

private:
  /// Longest first.
  std::vector<std::string> needles_;
};

} // namespace leasehold
