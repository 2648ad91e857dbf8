// Every message that can leave an actor system survives the trip.

#include "messages/type_ids.hpp"
#include "tests/support/catch.hpp"

#include <caf/binary_deserializer.hpp>
#include <caf/binary_serializer.hpp>
#include <caf/byte_buffer.hpp>

using namespace leasehold;

namespace {

/// What comes out after `x` has been bytes, as text.
template <class T>
std::string there_and_back(const T& x) {
  caf::byte_buffer bytes;
  caf::binary_serializer sink{nullptr, bytes};
  auto copy = x;
  REQUIRE(sink.apply(copy));
  T out;
  caf::binary_deserializer source{nullptr, bytes};
  REQUIRE(source.apply(out));
  return caf::deep_to_string(out);
}

template <class T>
void check_trip(const T& x) {
  CHECK(there_and_back(x) == caf::deep_to_string(x));
}

lease_row some_row() {
  lease_row out;
  out.id = {"lease-1"};
  out.company = {"company-1"};
  out.environment = {"env-1"};
  out.run = {"run-1"};
  out.status = lease_status::retained;
  out.policy = lease_policy::retain_on_failure;
  out.provider = "boxes";
  out.resource = {"box-1"};
  out.fence = 7;
  out.cleanup = cleanup_status::failed;
  out.next_cleanup_at = timestamp{1};
  out.metadata = json_text{R"({"a":1})"};
  return out;
}

} // namespace

TEST_CASE("messages: what operators and heirs say survives the trip",
          "[messages]") {
  check_trip(retry_cleanup{{"l"}, "ann"});
  check_trip(report_gone{{"l"}, "ann"});
  check_trip(remove_stray{{"l"}, {"box-1"}, "ann"});
  check_trip(reattach_run{{"r"}, milliseconds{5}});
  check_trip(run_reattached{{}, {{ec::conflict, "why"}}});
  check_trip(life_changed{true});
  check_trip(hold_still{true});
  check_trip(lease_taken{"why"});
  check_trip(examine{true, "ann"});
  check_trip(examined{7, {{"owed", true, "l", "box-1", "a", 1, "b", "c", ""}}});
}

TEST_CASE("messages: what schedulers say survives the trip", "[messages]") {
  check_trip(some_row());
  check_trip(acquire_lease{
    {"l"}, {"c"}, "box", {"r"}, {"w"}, "shared", {"i"}, milliseconds{5}});
  check_trip(lease_granted{{{"l"}, 3},
                           {"e"},
                           "sandbox",
                           "boxes",
                           {"box-1"},
                           lease_origin::replacement,
                           "gone",
                           timestamp{9},
                           {}});
  check_trip(
    release_lease{{{"l"}, 3}, release_status::expired, "r", true, true});
  check_trip(destroy_lease{{{"l"}, 3}, "why"});
  check_trip(lease_ended{{"l"},
                         lease_status::failed,
                         cleanup_status::failed,
                         "why",
                         true,
                         {"box-1"},
                         "No."});
  check_trip(release_run{{"r"}, release_status::failed, "why"});
  check_trip(run_released{{lease_ended{}}, {failure{ec::internal, "x", "y"}}});
  check_trip(renew_lease{{{"l"}, 3}, milliseconds{4}});
  check_trip(lease_renewed{timestamp{4}});
}

TEST_CASE("messages: what actors tell each other survives the trip",
          "[messages]") {
  parked_resource parked{{"l"}, {"box-1"}, {"c"}, {"w"}, "f", {}};
  check_trip(command_result{3, "SIGKILL", true, true, "out", "err", {}});
  check_trip(cancel_command{{{"l"}, 3}, {"x"}});
  check_trip(realize_workspace{{{"l"}, 3}, "/src", "/dst", "copy", {}});
  check_trip(workspace_realized{"/workspace", {}, json_text{"[1]"}});
  check_trip(resume_lease{{"l"}, "7f", {"r"}, milliseconds{4}});
  check_trip(output_chunk{output_stream::err, "text"});
  check_trip(admit_lease{{"l"}, {"c"}, {"r"}});
  check_trip(lease_admitted{{"l"}, "local", {}, true, milliseconds{7}});
  check_trip(lease_refused{{"l"}, {ec::overloaded, "full", "of what"}});
  check_trip(choose_resource{{"c"}, {"w"}, lease_policy::ephemeral, "f"});
  check_trip(resource_chosen{parked});
  check_trip(park_resource{parked});
  check_trip(environment_changed{{"e"}, "box"});
  check_trip(worker_is_ready{{"p"}, 4, {"a", "b"}});
  check_trip(worker_is_gone{{"p"}, 4, true, {ec::worker_lost, "x", "y"}});
  check_trip(process_lines{{"{}", "[]"}});
  check_trip(process_overlong_line{"{", 12});
  check_trip(process_exited{-1, 9});
  check_trip(late_resource{{"l"}, {"box-1"}});
  check_trip(cleanup_owed{{"l"}});
  check_trip(cleanups_left{4});
  check_trip(lease_over{{"l"}, {"e"}, {}, parked});
}

TEST_CASE("messages: every error code has a name and a disposition",
          "[messages]") {
  for (const auto& [code, name] : names<ec>) {
    CHECK(to_string(code) == name);
    ec same{};
    CHECK(from_string(name, same));
    CHECK(same == code);
  }
  CHECK(disposition_of(ec::overloaded) == disposition::retry);
  CHECK(disposition_of(ec::conflict) == disposition::fall_back);
  CHECK(disposition_of(ec::outcome_unknown) == disposition::in_doubt);
  CHECK(disposition_of(ec::provider_refused) == disposition::give_up);
  CHECK(disposition_of(ec::internal) == disposition::bug);
}

TEST_CASE("messages: taking the value of an error says which error",
          "[messages]") {
  result<int> bad{failure{ec::unknown_lease, "No lease \"x\".", {}}};
  CHECK_THROWS_WITH(bad.value(), "unknown_lease: No lease \"x\".");
  CHECK(result<int>{7}.value() == 7);
}
