#pragma once

// A value, or the reason why there is none.

#include "messages/errors.hpp"

#include <functional>
#include <stdexcept>
#include <utility>
#include <variant>

namespace leasehold {

/// The value of an operation that only succeeds or fails.
struct done {
  friend bool operator==(const done&, const done&) = default;
};

template <class Inspector>
bool inspect(Inspector& f, done& x) {
  return f.object(x).fields();
}

/// Thrown when somebody takes the value of a result that has none.
class bad_result : public std::logic_error {
public:
  explicit bad_result(failure why)
    : std::logic_error{to_string(why.code) + ": " + why.message}, why_{
                                                                    std::move(
                                                                      why)} {
    // nop
  }

  [[nodiscard]] const failure& error() const noexcept {
    return why_;
  }

private:
  failure why_;
};

/// A value, or the reason why there is none.
template <class T = done>
class [[nodiscard]] result {
public:
  using value_type = T;

  /// Nothing yet.
  result() : content_{std::in_place_index<1>} {
    // nop
  }

  result(T x) : content_{std::in_place_index<0>, std::move(x)} {
    // nop
  }

  result(failure why) : content_{std::in_place_index<1>, std::move(why)} {
    // nop
  }

  [[nodiscard]] bool has_value() const noexcept {
    return content_.index() == 0;
  }

  explicit operator bool() const noexcept {
    return has_value();
  }

  /// The value. Throws `bad_result` if there is none.
  const T& value() const& {
    check();
    return *std::get_if<0>(&content_);
  }

  T value() && {
    check();
    return std::move(*std::get_if<0>(&content_));
  }

  /// The value, which must be there.
  T& operator*() & {
    return *std::get_if<0>(&content_);
  }

  const T& operator*() const& {
    return *std::get_if<0>(&content_);
  }

  T* operator->() {
    return std::get_if<0>(&content_);
  }

  const T* operator->() const {
    return std::get_if<0>(&content_);
  }

  /// The reason; an empty failure if there is a value.
  [[nodiscard]] const failure& error() const noexcept {
    static const failure none;
    auto* why = std::get_if<1>(&content_);
    return why ? *why : none;
  }

private:
  void check() const {
    if (auto* why = std::get_if<1>(&content_))
      throw bad_result{*why};
  }

  std::variant<T, failure> content_;
};

/// Takes a result once, on a thread of the giver's choice.
template <class T = done>
using completion = std::function<void(result<T>)>;

} // namespace leasehold
