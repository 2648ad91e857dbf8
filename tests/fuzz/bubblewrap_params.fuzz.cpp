// What the bubblewrap worker is asked. Input: the parameters of a call.

#include "drivers/bubblewrap/box_config.hpp"
#include "drivers/bubblewrap/box_store.hpp"
#include "drivers/bubblewrap/launch.hpp"
#include "drivers/worker_kit/call.hpp"
#include "drivers/worker_kit/params.hpp"
#include "tests/fuzz/fuzzing.hpp"

#include <algorithm>

namespace leasehold::fuzz {

namespace {

using kit::json;

bool has_nul(const std::string& text) {
  return text.find('\0') != std::string::npos;
}

/// Runs what may refuse its parameters, which is all that it may throw.
template <class F>
void refusable(F f) {
  try {
    f();
  } catch (const kit::rpc_error& why) {
    must(why.code() == kit::error_code::invalid_params,
         "bad parameters are called so");
  }
}

bubblewrap::box_config check_config(const json& source) {
  auto [config, errors] = bubblewrap::read_config(source);
  if (!errors.empty())
    return {};
  auto again = bubblewrap::read_config(bubblewrap::to_json(config));
  must(again.errors.empty(), "a config that is written can be read");
  must(bubblewrap::to_json(again.config) == bubblewrap::to_json(config),
       "a config survives being written");
  return config;
}

/// Nothing in a command's options can end one and begin another.
void check_launch(const json& params, bubblewrap::box_config config) {
  auto env = kit::optional_text_map(params, "env");
  auto names_variables = std::all_of(env.begin(), env.end(), [](auto& x) {
    return bubblewrap::is_variable_name(x.first);
  });
  if (!names_variables)
    return;
  bubblewrap::launch_request what;
  what.config = std::move(config);
  what.box_path = "/state/boxes/box-1";
  what.hostname = "box-1";
  what.cwd = kit::optional_text(params, "cwd");
  what.env = bubblewrap::command_env(what.config, env, {{"LEASE", "1"}});
  must(what.env["LEASE"] == "1", "nothing hides whose command it is");
  auto options = bubblewrap::bubblewrap_options(what);
  must(std::none_of(options.begin(), options.end(), has_nul),
       "no option holds a NUL");
  auto block = bubblewrap::to_args_block(options);
  auto ends = std::count(block.begin(), block.end(), '\0');
  must(static_cast<size_t>(ends) == options.size(),
       "every option arrives as one");
}

void check_texts(const json& params) {
  refusable([&] {
    for (const auto& one : kit::optional_texts(params, "args"))
      must(!has_nul(one), "no argument holds a NUL");
  });
  refusable([&] {
    auto text = kit::required_text(params, "command");
    must(!text.empty() && !has_nul(text), "a command has a name");
  });
  refusable([&] {
    auto number = kit::optional_number(params, "timeoutMs", 1);
    must(!number || *number >= 1, "a time limit is a number");
  });
  refusable([&] {
    auto lease = kit::required_text(params, "leaseId");
    for (const auto& name : bubblewrap::box_names({lease}))
      must(name.find('/') == std::string::npos && name != "..",
           "a box stays in its room");
  });
}

} // namespace

void try_input(std::string_view input) {
  auto params = json::parse(input, nullptr, false);
  auto config = check_config(params);
  if (!params.is_object())
    return;
  refusable(
    [&] { config = check_config(kit::required_object(params, "config")); });
  check_texts(params);
  refusable([&] { check_launch(params, config); });
  kit::call request{{{"method", "m"}, {"id", 1}, {"params", params}}, {}};
  request.log_output(output_stream::err, input);
  request.reply(params);
}

} // namespace leasehold::fuzz
