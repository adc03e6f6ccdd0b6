"""The weather, from a library that is not installed."""

import no_such_weather_library
from rtvi_plugins import Handlers, hookimpl

weather = Handlers("weather")


@weather.action("today")
async def today(processor) -> str:
    return no_such_weather_library.today()


@hookimpl
def rtvi_handlers():
    return [weather]
