"""A receiver as FastAPI's tutorial has it: a Pydantic model for the body, a dependency for the key. Reads API_KEY."""

import os
from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import Depends, FastAPI, Header, HTTPException
from pydantic import BaseModel


class Notification(BaseModel):
    eventId: UUID
    eventType: str
    eventTimestamp: datetime
    rfpId: UUID
    supplierId: UUID
    reason: str | None = None
    attachmentIds: list[UUID] = []


async def check_key(authorization: Annotated[str, Header()]):
    if authorization != f"api_key {os.environ['API_KEY']}":
        raise HTTPException(status_code=401, detail="wrong key")


app = FastAPI(dependencies=[Depends(check_key)])
events: dict[UUID, Notification] = {}


@app.post("/pns")
async def receive(notification: Notification):
    events[notification.eventId] = notification
    return {"received": True}
